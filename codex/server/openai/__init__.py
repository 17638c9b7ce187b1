"""Codex for clients of OpenAI's interface, under /v1."""

from codex.server.openai import chat, completions, embeddings, models, responses

ROUTERS = (models.router, chat.router, responses.router, completions.router, embeddings.router)
