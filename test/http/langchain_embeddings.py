"""Embeds through LangChain's OpenAI client: langchain_embeddings.py BASE_URL KEY. Prints vectors, and what token ids are answered."""

import json
import sys

from langchain_openai import OpenAIEmbeddings

base_url, key = sys.argv[1:3]
options = {"model": "default", "base_url": base_url, "api_key": key, "max_retries": 0}
texts = ["how is asthma treated?", "ticks"]

embeddings = OpenAIEmbeddings(check_embedding_ctx_length=False, **options)
query = embeddings.embed_query(texts[0])
documents = embeddings.embed_documents(texts)


class Bytes:
    """Token ids without a download: tiktoken fetches its vocabularies."""

    def encode(self, text, **_):
        return list(text.encode())

    def encode_ordinary(self, text):
        return list(text.encode())


try:
    import tiktoken

    tiktoken.get_encoding = lambda _: Bytes()
    tiktoken.encoding_for_model = lambda _: Bytes()
    OpenAIEmbeddings(**options).embed_query(texts[0])
    refusal = "none"
except Exception as error:
    refusal = str(error)

print(json.dumps({"query": query, "documents": documents, "refusal": refusal}))
