"""python triton_client.py HOST:PORT MODEL TEXTS(JSON), with tritonclient[http] installed.

Speaks to a server by the unmodified client, and prints what came back: metadata, and each way of asking.
"""
import json
import sys

import numpy as np
import tritonclient.http as triton
from tritonclient.utils import InferenceServerException

address, model, texts = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
client = triton.InferenceServerClient(url=address)


def infer(binary_in, binary_out, outputs=("probabilities", "labels"), **options):
    given = triton.InferInput("text", [len(texts)], "BYTES")
    given.set_data_from_numpy(np.array([text.encode() for text in texts], dtype=object), binary_data=binary_in)
    wanted = None if outputs is None else [triton.InferRequestedOutput(name, binary_data=binary_out) for name in outputs]
    result = client.infer(model, [given], outputs=wanted, request_id="triton-1", **options)
    labels, probabilities = result.as_numpy("labels"), result.as_numpy("probabilities")
    return {
        "id": result.get_response()["id"],
        "labels": [label.decode() if isinstance(label, bytes) else label for label in labels.tolist()],
        "probabilities": None if probabilities is None else [[float(p) for p in row] for row in probabilities],
    }


def refused(call):
    try:
        call()
    except InferenceServerException as error:
        return {"status": error.status(), "message": error.message()}
    return None


metadata = client.get_model_metadata(model)
version = metadata["versions"][0]
print(json.dumps({
    "live": client.is_server_live(),
    "ready": client.is_server_ready(),
    "model_ready": [client.is_model_ready(model), client.is_model_ready(model, version), client.is_model_ready("nobody")],
    "server": client.get_server_metadata(),
    "metadata": metadata,
    "answers": {
        "binary": infer(True, True),
        "json": infer(False, False),
        "json in": infer(False, True),
        "binary in": infer(True, False),
        "no outputs named": infer(True, True, outputs=None),
        "one output": infer(True, True, outputs=("labels",)),
        "version": infer(True, True, model_version=version),
        "compressed answer welcome": infer(True, True, response_compression_algorithm="gzip"),
    },
    "refused": {
        "gzip": refused(lambda: infer(True, True, request_compression_algorithm="gzip")),
        "deflate": refused(lambda: infer(True, True, request_compression_algorithm="deflate")),
        "output": refused(lambda: infer(True, True, outputs=("logits",))),
        "version": refused(lambda: infer(True, True, model_version="none")),
        "load": refused(lambda: client.load_model(model)),
    },
}))
