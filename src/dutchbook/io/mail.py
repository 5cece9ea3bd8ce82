"""Hands mail to a server and alerts to one-way targets; both block, so both run in threads."""

import contextlib
import logging
import smtplib
import ssl
from collections.abc import Iterator
from typing import Any, Final, Literal

import msgspec

from dutchbook.channels.base import Mail, Notify
from dutchbook.domain.errors import ConfigError
from dutchbook.domain.secret import Secret

SECONDS: Final = 15.0


class NotTaken(Exception):
    """It was not delivered; `for_good`: the server will not take it later either."""

    def __init__(self, why: str, *, for_good: bool = False) -> None:
        super().__init__(why)
        self.why = why
        self.for_good = for_good


class Server(msgspec.Struct, frozen=True):
    """A mail server. `tls`: starttls, tls from the first byte, or none (this machine only)."""

    host: str
    port: int = 587
    tls: Literal["starttls", "tls", "none"] = "starttls"
    user: str = ""
    password: Secret | None = None


class Smtp:
    """Sends one message a connection: alerts are few, and servers drop idle ones."""

    def __init__(self, server: Server) -> None:
        self.server = server

    def send(self, mail: Mail) -> None:
        """Blocks for up to 15 s a step. Raises NotTaken; no password is in its words."""
        try:
            with self._open() as smtp:
                refused = smtp.sendmail(mail.sender, list(mail.to), mail.data)
        except smtplib.SMTPAuthenticationError:
            raise NotTaken("the mail server refuses the user or the password") from None
        except smtplib.SMTPRecipientsRefused as error:
            codes = {code for code, _ in error.recipients.values()}
            raise NotTaken(
                f"receivers refused ({codes})", for_good=all(c >= 500 for c in codes)
            ) from None
        except smtplib.SMTPResponseException as error:
            gone = 550 <= error.smtp_code < 560
            raise NotTaken(f"the mail server says {error.smtp_code}", for_good=gone) from None
        except (smtplib.SMTPException, OSError, ValueError) as error:
            raise NotTaken(f"mail server: {type(error).__name__}") from None
        if refused:
            raise NotTaken(f"{len(refused)} of {len(mail.to)} receivers refused", for_good=True)

    @contextlib.contextmanager
    def _open(self) -> Iterator[smtplib.SMTP]:
        server = self.server
        if server.tls == "tls":
            made: smtplib.SMTP = smtplib.SMTP_SSL(
                server.host, server.port, timeout=SECONDS, context=ssl.create_default_context()
            )
        else:
            made = smtplib.SMTP(server.host, server.port, timeout=SECONDS)
        try:
            if server.tls == "starttls":
                made.starttls(context=ssl.create_default_context())
            if server.user and server.password:
                made.login(server.user, server.password.reveal().decode())
            yield made
        finally:
            with contextlib.suppress(smtplib.SMTPException, OSError):
                made.quit()


class Apprise:
    """One target, named by an Apprise address, which is a secret: it holds the keys."""

    def __init__(self, name: str, url: Secret) -> None:
        try:
            import apprise
        except ModuleNotFoundError as error:
            raise ConfigError(
                f"alerts.{name} needs Apprise, which is not installed",
                todo="./dutchbook setup --extra notify",
            ) from error
        logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)  # it would tell the address
        self.name = name
        self._target: Any = apprise.Apprise()
        if not self._target.add(url.reveal().decode()):
            raise ConfigError(
                f"alerts.{name}: Apprise does not know such an address",
                todo="see its list of services; the part before :// names one",
            )

    def send(self, notify: Notify) -> None:
        """Blocks. Raises NotTaken."""
        try:
            taken = self._target.notify(body=notify.body, title=notify.title, body_format="text")
        except Exception as error:  # any of a hundred plug-ins may break in its own way
            raise NotTaken(f"{type(error).__name__} in its plug-in") from None
        if not taken:
            raise NotTaken("its service did not take it")
