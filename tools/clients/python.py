"""The clients of PyPI: python.py BASE_URL KEY. Prints what each gives for the same texts."""

import json
import sys

import openai
from langchain_openai import OpenAIEmbeddings
from llama_index.embeddings.openai_like import OpenAILikeEmbedding

base_url, key = sys.argv[1:3]
texts = ["how is asthma treated?", "ticks"]

client = openai.OpenAI(base_url=base_url, api_key=key, max_retries=0)
answer = client.embeddings.create(model="default", input=texts)
try:
    client.embeddings.create(model="absent", input="x")
    refused = {}
except openai.NotFoundError as error:
    refused = {"status": error.status_code, "code": error.code, "type": error.type, "param": error.param}

langchain = OpenAIEmbeddings(
    model="default", base_url=base_url, api_key=key, max_retries=0, check_embedding_ctx_length=False
)
llama_index = OpenAILikeEmbedding(model_name="default", api_base=base_url, api_key=key, max_retries=0)

print(
    json.dumps(
        {
            "vectors": {
                "openai": [item.embedding for item in answer.data],
                "langchain": langchain.embed_documents(texts),
                "llama-index": llama_index.get_text_embedding_batch(texts),
            },
            "models": [model.id for model in client.models.list()],
            "model": client.models.retrieve("org/model").id,
            "refused": refused,
        }
    )
)
