"""python optimum_pipeline.py BUNDLE TEXTS(JSON), with optimum[onnxruntime] installed.

Prints, for each text, the probability of each label by optimum's pipeline, and of each logit by onnxruntime alone.
"""
import json
import sys

import numpy as np
import onnxruntime
from optimum.onnxruntime import ORTModelForSequenceClassification
from transformers import AutoTokenizer, pipeline

bundle, texts = sys.argv[1], json.loads(sys.argv[2])
tokenizer = AutoTokenizer.from_pretrained(bundle)
model = ORTModelForSequenceClassification.from_pretrained(bundle, subfolder="onnx", file_name="model.onnx")
classify = pipeline("text-classification", model=model, tokenizer=tokenizer, top_k=None)
session = onnxruntime.InferenceSession(f"{bundle}/onnx/model.onnx", providers=["CPUExecutionProvider"])
names = [value.name for value in session.get_inputs()]


def alone(text):
    encoded = tokenizer(text, truncation=True, return_tensors="np")
    (logits,) = session.run(["logits"], {name: encoded[name].astype(np.int64) for name in names})
    return (1 / (1 + np.exp(-logits[0]))).tolist()


pipelines = [{one["label"]: one["score"] for one in classify([text], truncation=True)[0]} for text in texts]
print(json.dumps({"optimum": pipelines, "onnxruntime": [alone(text) for text in texts]}))
