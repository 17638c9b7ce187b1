"""A model behind any server with OpenAI's HTTP interface: vLLM, llama-server, TGI, Ollama, hosted ones."""
