"""Discord's webhooks and a bot's messages, as far as alerts need them; and signed presses."""

from typing import Any, Final

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

CONTENT_MAX: Final = 2_000
ROW_MAX: Final = 5
KEPT_MAX: Final = 5_000


class Server:
    """One webhook and one channel for a bot. `down`: 503; `limit`: 429 with so many seconds."""

    def __init__(self, hook: str = "1/hook-token", bot: str = "bot-token") -> None:
        self.hook = hook
        self.bot = bot
        self.messages: dict[str, dict[str, Any]] = {}
        self.edits = 0
        self._count = 0
        self.down = False
        self.limit = 0.0
        self._key = Ed25519PrivateKey.from_private_bytes(b"\x07" * 32)
        self.public_key = self._key.public_key().public_bytes_raw().hex()

    def app(self) -> Starlette:
        edit = "/webhooks/{id}/{token}/messages/{message}"
        return Starlette(
            routes=[
                Route("/webhooks/{id}/{token}", self._hook, methods=["POST"]),
                Route(edit, self._hook, methods=["PATCH"]),
                Route("/channels/{channel}/messages", self._bot, methods=["POST"]),
                Route("/channels/{channel}/messages/{message}", self._bot, methods=["PATCH"]),
            ]
        )

    def press(
        self, message: str, label: str, user: int, name: str, at: int
    ) -> tuple[dict[str, str], bytes]:
        """(headers, body) of the request that Discord would post; `at` in seconds."""
        rows = self.messages[message]["components"]
        keys = [key for row in rows for key in row["components"]]
        data = next(key["custom_id"] for key in keys if key["label"].startswith(label))
        return self.signed(
            {
                "type": 3, "id": "1", "channel_id": "7", "data": {"custom_id": data},
                "member": {"user": {"id": str(user), "username": name}},
                "message": {"id": message},
            },
            at,
        )  # fmt: skip

    def signed(self, body: dict[str, Any], at: int) -> tuple[dict[str, str], bytes]:
        raw = msgspec.json.encode(body)
        mark = self._key.sign(str(at).encode() + raw).hex()
        return {"x-signature-ed25519": mark, "x-signature-timestamp": str(at)}, raw

    async def _hook(self, request: Request) -> Response:
        if f"{request.path_params['id']}/{request.path_params['token']}" != self.hook:
            return JSONResponse({"message": "Unknown Webhook", "code": 10_015}, 404)
        return await self._message(request, request.query_params.get("with_components") == "true")

    async def _bot(self, request: Request) -> Response:
        if request.headers.get("authorization") != f"Bot {self.bot}":
            return JSONResponse({"message": "401: Unauthorized", "code": 0}, 401)
        return await self._message(request, True)

    async def _message(self, request: Request, components: bool) -> Response:
        if self.down:
            return Response("upstream connect error", 503)
        if self.limit:
            told = {"message": "You are being rate limited.", "retry_after": self.limit}
            return JSONResponse(told | {"global": False}, 429)
        body = msgspec.json.decode(await request.body(), type=dict[str, Any])
        content = body.get("content", "")
        if not content or len(content.encode("utf-16-le", "surrogatepass")) // 2 > CONTENT_MAX:
            return _bad("content: must be between 1 and 2000 in length")
        rows = body.get("components", [])
        if any(not 1 <= len(row["components"]) <= ROW_MAX for row in rows):
            return _bad("components: 1 to 5 in a row")
        labels = [key["label"] for row in rows for key in row["components"]]
        if any(not 1 <= len(label) <= 80 for label in labels):
            return _bad("label: 1 to 80")
        self._count += request.method == "POST"
        name = request.path_params.get("message") or str(1_000 + self._count)
        if request.method == "PATCH":
            if name not in self.messages:
                return JSONResponse({"message": "Unknown Message", "code": 10_008}, 404)
            self.edits += 1
        self.messages[name] = {**body, "components": rows if components else []}
        if len(self.messages) > KEPT_MAX:
            del self.messages[next(iter(self.messages))]
        return JSONResponse({"id": name, "content": content})


def _bad(why: str) -> Response:
    return JSONResponse({"message": "Invalid Form Body", "code": 50_035, "errors": why}, 400)
