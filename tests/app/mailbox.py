"""A mail server on loopback, as much of one as a client needs: it keeps what it is sent, or refuses who logs in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage


class MailServer:
    """What arrived; `refusal` is the answer to a login, "" takes everybody."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.recipients: list[str] = []
        self.refusal = ""
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 here\r\n")
        try:
            while line := await reader.readline():
                word, _, rest = line.decode().strip().partition(" ")
                writer.write((await self._answer(word.upper(), rest, reader, writer) + "\r\n").encode())
                await writer.drain()
                if word.upper() == "QUIT":
                    break
        except ConnectionError:
            pass
        finally:
            writer.close()

    async def _answer(self, word: str, rest: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> str:
        if word == "EHLO":
            return "250-here\r\n250 AUTH PLAIN"
        if word == "AUTH":
            return self.refusal or "235 welcome"
        if word == "RCPT":
            self.recipients.append(rest)
        if word == "DATA":
            writer.write(b"354 go on\r\n")
            body = await reader.readuntil(b"\r\n.\r\n")
            mail = message_from_bytes(body[:-5], policy=policy.default)
            assert isinstance(mail, EmailMessage)
            self.mails.append(mail)
        return "221 bye" if word == "QUIT" else "250 well"


@asynccontextmanager
async def mail_server() -> AsyncIterator[MailServer]:
    server = MailServer()
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()
