"""python kserve_client.py URL MODEL TEXTS(JSON), with kserve installed.

Speaks to a server by the unmodified REST client, and prints what came back: health, and each way of asking.
"""
import asyncio
import json
import sys

import httpx
import numpy as np
from kserve import InferenceRESTClient, InferInput, InferRequest, RESTConfig
from kserve.protocol.infer_type import RequestedOutput

url, model, texts = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
client = InferenceRESTClient(RESTConfig(protocol="v2", retries=0))


def request(shape, binary_in=False, binary_out=None, named=model, **options):
    text = InferInput("text", shape, "BYTES")
    text.set_data_from_numpy(np.array([one.encode() for one in texts], dtype=object).reshape(shape), binary_data=binary_in)
    if binary_out is not None:
        options["request_outputs"] = [
            RequestedOutput(name, parameters={"binary_data": binary_out}) for name in ("probabilities", "labels")
        ]
    return InferRequest(model_name=named, infer_inputs=[text], request_id="kserve-1", **options)


def told(answer):
    probabilities, labels = (answer.get_output_by_name(name) for name in ("probabilities", "labels"))
    return {
        "id": answer.id,
        "model": answer.model_name,
        "labels": [one.decode() if isinstance(one, bytes) else one for one in labels.as_numpy().tolist()],
        "probabilities": [[float(p) for p in row] for row in probabilities.as_numpy()],
    }


async def infer(data):
    return told(await client.infer(url, data, model_name=model))


async def refused(data, name=model):
    try:
        await client.infer(url, data, model_name=name)
    except httpx.HTTPStatusError as error:
        return {"status": error.response.status_code, "message": error.response.json()["error"]}
    return None


async def main():
    n = len(texts)
    plain = {"inputs": [{"name": "text", "shape": [n], "datatype": "BYTES", "data": texts}]}
    print(json.dumps({
        "live": await client.is_server_live(url),
        "ready": await client.is_server_ready(url),
        "model_ready": [await client.is_model_ready(url, name) for name in (model, "nobody")],
        "answers": {
            "json": await infer(request([n])),
            "a column": await infer(request([n, 1])),
            "binary": await infer(request([n], binary_in=True, binary_out=True)),
            "binary in": await infer(request([n], binary_in=True)),
            "binary out": await infer(request([n], binary_out=True)),
            "all binary": await infer(request([n, 1], binary_in=True, parameters={"binary_data_output": True})),
            "a dictionary": await infer({**plain, "id": "kserve-1", "parameters": None, "outputs": None}),
        },
        "refused": {
            "name": await refused(request([n], named="other")),
            "model": await refused(request([n]), "nobody"),
            "base64": await refused({"inputs": [{**plain["inputs"][0], "parameters": {"content_type": "base64"}}]}),
        },
    }))


asyncio.run(main())
