"""The Bot API as far as a bot with alerts needs it: long polls, messages, edits, presses."""

import asyncio
import re
from typing import Any, Final

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

TEXT_MAX: Final = 4_096
DATA_MAX: Final = 64
KEPT_MAX: Final = 5_000
_TAG: Final = re.compile(r"</?(?:b|i|u|s|code|pre)>")
_ENTITIES: Final = {"&lt;": "<", "&gt;": ">", "&quot;": '"', "&amp;": "&"}


class Bot:
    """One bot with its chats. `down`: answers 502; `limit`: answers 429 with so many seconds."""

    def __init__(self, token: str, chats: tuple[int, ...] = (1,)) -> None:
        self.token = token
        self.chats = dict.fromkeys(chats)
        self.messages: dict[tuple[str, int], dict[str, Any]] = {}
        self.answers: list[tuple[str, str]] = []
        self.edits = 0
        self.down = False
        self.limit = 0
        self._updates: list[dict[str, Any]] = []
        self._next = 1
        self.closing = False
        self._queries = 0
        self._news = asyncio.Event()

    def app(self) -> Starlette:
        return Starlette(routes=[Route("/bot{token}/{method}", self._serve, methods=["POST"])])

    def close(self) -> None:
        """End the polls that wait."""
        self.closing = True
        self._news.set()

    # -- what people do --------------------------------------------------------------------------

    def press(self, number: int, label: str, user: int, name: str = "", chat: int = 1) -> str:
        """Press the button whose label begins so; the id of the query."""
        keyboard = self.messages[str(chat), number]["reply_markup"]["inline_keyboard"]
        found = [key for row in keyboard for key in row if key["text"].startswith(label)]
        if not found:
            raise KeyError(label)
        return self.push(found[0]["callback_data"], number, user, name, chat)

    def push(self, data: str, number: int, user: int, name: str = "", chat: int = 1) -> str:
        """Send any data, as a changed client could."""
        self._queries += 1
        query = {
            "id": f"q{self._queries}", "from": _person(user, name), "data": data,
            "message": {"message_id": number, "chat": _chat(chat)},
        }  # fmt: skip
        self._put({"callback_query": query})
        return f"q{self._queries}"

    def write(self, text: str, user: int, name: str = "", chat: int = 1) -> None:
        message = {"message_id": self._number(), "text": text, "chat": _chat(chat),
                   "from": _person(user, name)}  # fmt: skip
        self._put({"message": message})

    def texts(self) -> list[str]:
        """What people see, oldest first; markup read and taken away."""
        return [shown(message["text"]) for message in self.messages.values()]

    def _put(self, update: dict[str, Any]) -> None:
        self._updates.append({"update_id": 100 + len(self._updates), **update})
        self._news.set()

    def _number(self) -> int:
        self._next += 1
        return self._next - 1

    # -- the API ---------------------------------------------------------------------------------

    async def _serve(self, request: Request) -> Response:
        if request.path_params["token"] != self.token:
            return _no(401, "Unauthorized")
        if self.down:
            return Response("Bad Gateway", 502)
        if self.limit:
            return _no(429, "Too Many Requests", {"retry_after": self.limit})
        try:
            body = msgspec.json.decode(await request.body() or b"{}", type=dict[str, Any])
        except msgspec.DecodeError:
            return _no(400, "Bad Request: can't parse JSON")
        method = request.path_params["method"]
        if method == "getUpdates":
            return await self._get_updates(body)
        serve = {
            "sendMessage": self._send, "editMessageText": self._edit,
            "answerCallbackQuery": self._answer, "getMe": self._me,
        }.get(method)  # fmt: skip
        return serve(body) if serve is not None else _no(404, "Not Found")

    async def _get_updates(self, body: dict[str, Any]) -> Response:
        offset, seconds = int(body.get("offset", 0)), min(int(body.get("timeout", 0)), 50)
        found = [one for one in self._updates if one["update_id"] >= offset]
        if not found and seconds:
            self._news.clear()
            try:
                async with asyncio.timeout(seconds):
                    while not self._news.is_set() and not self.closing:
                        await self._news.wait()
            except TimeoutError:
                return _yes([])
            found = [one for one in self._updates if one["update_id"] >= offset]
        return _yes(found)

    def _send(self, body: dict[str, Any]) -> Response:
        why = _wrong(body)
        chat = str(body.get("chat_id", ""))
        if why or int(chat or 0) not in self.chats:
            return _no(400, why or "Bad Request: chat not found")
        number = self._number()
        self.messages[chat, number] = body
        if len(self.messages) > KEPT_MAX:
            del self.messages[next(iter(self.messages))]
        return _yes({"message_id": number, "chat": _chat(int(chat))})

    def _edit(self, body: dict[str, Any]) -> Response:
        why = _wrong(body)
        place = str(body.get("chat_id", "")), int(body.get("message_id", 0))
        if why or place not in self.messages:
            return _no(400, why or "Bad Request: message to edit not found")
        old = self.messages[place]
        if (old["text"], old.get("reply_markup")) == (body["text"], body.get("reply_markup")):
            return _no(400, "Bad Request: message is not modified")
        self.messages[place] = {**old, **body}
        self.edits += 1
        return _yes({"message_id": place[1], "chat": _chat(int(place[0]))})

    def _answer(self, body: dict[str, Any]) -> Response:
        self.answers.append((str(body.get("callback_query_id", "")), str(body.get("text", ""))))
        return _yes(True)

    def _me(self, body: dict[str, Any]) -> Response:
        return _yes({"id": 1, "is_bot": True, "username": "pretend_bot"})


def shown(text: str) -> str:
    """HTML as Telegram reads it. Raises ValueError for markup that it refuses."""
    bare = _TAG.sub("", text)
    if "<" in bare or ">" in bare:
        raise ValueError("can't parse entities")
    if re.search(r"&(?!(?:lt|gt|amp|quot);)", bare):
        raise ValueError("can't parse entities: a bare &")
    for name, char in _ENTITIES.items():
        bare = bare.replace(name, char)
    return bare


def _wrong(body: dict[str, Any]) -> str:
    text = body.get("text")
    if not isinstance(text, str) or not text:
        return "Bad Request: message text is empty"
    try:
        seen = shown(text) if body.get("parse_mode") == "HTML" else text
    except ValueError as error:
        return f"Bad Request: {error}"
    if len(seen.encode("utf-16-le", "surrogatepass")) // 2 > TEXT_MAX:
        return "Bad Request: message is too long"
    markup = body.get("reply_markup") or {}
    for row in markup.get("inline_keyboard", []):
        for key in row:
            if not 1 <= len(key.get("callback_data", "x").encode()) <= DATA_MAX:
                return "Bad Request: BUTTON_DATA_INVALID"
    return ""


def _person(user: int, name: str) -> dict[str, Any]:
    return {"id": user, "is_bot": False, "first_name": name or "A", "username": name}


def _chat(number: int) -> dict[str, Any]:
    return {"id": number, "type": "private" if number > 0 else "group"}


def _yes(result: Any) -> Response:
    return JSONResponse({"ok": True, "result": result})


def _no(status: int, why: str, parameters: dict[str, Any] | None = None) -> Response:
    body = {"ok": False, "error_code": status, "description": why}
    return JSONResponse(body | ({"parameters": parameters} if parameters else {}), status)
