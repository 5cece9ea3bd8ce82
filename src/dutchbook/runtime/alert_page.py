"""The page behind a link in a message: it asks once more; fetching it does nothing."""

import html
from typing import Any, Final

HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; "
        "frame-ancestors 'none'; base-uri 'none'"
    ),
    "Cache-Control": "no-store", "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}  # fmt: skip
WORDS: Final = {"execute": "Execute", "dismiss": "Dismiss", "ack": "Seen"}
_STYLE: Final = "body{font:16px system-ui;margin:2em;max-width:40em}pre{white-space:pre-wrap}"


def confirm(row: dict[str, Any], act: str, token: str) -> str:
    """A form for one act. Without a token it asks for the six digits of the text message."""
    state = row["settled"] or (f"pressed by {row['executed_by']}" if row["executed_by"] else "")
    proof = f"<input type='hidden' name='token' value='{_safe(token)}'>"
    if not token:
        proof = "<label>Code <input name='code' inputmode='numeric' maxlength='6'></label>"
    form = (
        f"<form method='post'><input type='hidden' name='act' value='{_safe(act)}'>{proof} "
        f"<button>{WORDS[act]}</button></form>"
    )
    return _page(f"<pre>{_safe(row['text'])}</pre>{f'<p>{_safe(state)}</p>' if state else form}")


def said(text: str) -> str:
    """What a press led to."""
    return _page(f"<p>{_safe(text)}</p>")


def _page(body: str) -> str:
    return (
        "<!doctype html><html lang='en'><head><meta charset='utf-8'><title>dutchbook</title>"
        f"<style>{_STYLE}</style></head><body>{body}</body></html>"
    )


def _safe(text: str) -> str:
    return html.escape(str(text), quote=True)
