"""FastAPI and PyTorch: every text is padded to 512 tokens. PEER_MODEL: a bundle; PORT. The weights are random."""

import os

import torch
import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel
from transformers import DistilBertConfig, DistilBertForSequenceClassification, PreTrainedTokenizerFast

folder = os.environ["PEER_MODEL"]
tokenizer = PreTrainedTokenizerFast.from_pretrained(folder)
config = DistilBertConfig.from_pretrained(folder)
model = DistilBertForSequenceClassification(config).eval()
app = FastAPI()


class Text(BaseModel):
    text: str


@torch.inference_mode()
def score(text: str) -> list[float]:
    inputs = tokenizer(text, padding="max_length", truncation=True, max_length=512, return_tensors="pt")
    logits = model(input_ids=inputs["input_ids"], attention_mask=inputs["attention_mask"]).logits
    return torch.sigmoid(logits)[0].tolist()


score("warm up")


@app.get("/health")
async def health():
    return {"ready": True}


@app.post("/predict")
async def predict(request: Text):
    probabilities = score(request.text)
    return {config.id2label[axis]: p for axis, p in enumerate(probabilities)}


uvicorn.run(app, host="127.0.0.1", port=int(os.environ["PORT"]), log_level="warning")
