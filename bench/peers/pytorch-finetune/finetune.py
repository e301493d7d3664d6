"""The recipe of configs/minilm.json in PyTorch, on the very split that `mbti-data prepare` wrote.

    python finetune.py --base DIR --data DIR [--seed 42]

Prints macro-F1 on validation and test after the last update. Needs torch, transformers, scikit-learn.
"""
import argparse
import json
import time
from pathlib import Path

import torch
import torch.nn.functional as F
from sklearn.metrics import f1_score
from transformers import AutoModel, AutoTokenizer

parser = argparse.ArgumentParser()
parser.add_argument("--base", required=True)
parser.add_argument("--data", required=True)
parser.add_argument("--seed", type=int, default=42)
args = parser.parse_args()
EPOCHS, BATCH, PEAK, WARMUP, LENGTH, DROPOUT = 2, 32, 5e-5, 44, 64, 0.1
torch.manual_seed(args.seed)
torch.set_num_threads(2)
tokenizer = AutoTokenizer.from_pretrained(args.base)


def read(split):
    rows = [json.loads(line) for line in (Path(args.data) / f"{split}.jsonl").read_text().splitlines()]
    ids = tokenizer([r["text"] for r in rows], truncation=True, max_length=LENGTH)["input_ids"]
    return ids, [float(next(iter(r["labels"].values())) == "positive") for r in rows]


def batch(ids, labels, rows):
    padded = tokenizer.pad({"input_ids": [ids[r] for r in rows]}, return_tensors="pt")
    return padded, torch.tensor([labels[r] for r in rows])[:, None]


class Classifier(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.base = AutoModel.from_pretrained(args.base, add_pooling_layer=False, attn_implementation="eager")
        width = self.base.config.hidden_size
        self.dense, self.out = torch.nn.Linear(width, width), torch.nn.Linear(width, 1)
        for layer in (self.dense, self.out):
            torch.nn.init.normal_(layer.weight, std=0.02)
            torch.nn.init.zeros_(layer.bias)

    def forward(self, inputs):
        h = F.dropout(self.base(**inputs).last_hidden_state[:, 0], DROPOUT, self.training)
        return self.out(F.dropout(F.gelu(self.dense(h)), DROPOUT, self.training))


def score(model, ids, labels):
    model.eval()
    order = sorted(range(len(ids)), key=lambda r: len(ids[r]))
    said = {}
    with torch.no_grad():
        for at in range(0, len(order), 64):
            rows = order[at:at + 64]
            for r, z in zip(rows, model(batch(ids, labels, rows)[0])[:, 0].tolist()):
                said[r] = float(z > 0)
    model.train()
    return f1_score(labels, [said[r] for r in range(len(ids))], average="macro")


train, validation, test = read("train"), read("validation"), read("test")
model = Classifier().train()
plain = lambda n: n.endswith("bias") or "LayerNorm" in n
optimizer = torch.optim.AdamW([
    {"params": [p for n, p in model.named_parameters() if not plain(n)], "weight_decay": 0.01},
    {"params": [p for n, p in model.named_parameters() if plain(n)], "weight_decay": 0.0}], lr=PEAK)
steps = EPOCHS * -(-len(train[0]) // BATCH)
step, begun = 0, time.time()
for epoch in range(EPOCHS):
    order = torch.randperm(len(train[0])).tolist()
    for at in range(0, len(order), BATCH):
        step += 1
        for group in optimizer.param_groups:
            group["lr"] = PEAK * (step / WARMUP if step <= WARMUP else (steps - step + 1) / (steps - WARMUP))
        inputs, labels = batch(*train, order[at:at + BATCH])
        loss = F.binary_cross_entropy_with_logits(model(inputs), labels)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        if step % 50 == 0:
            print(f"step {step}/{steps}  loss {loss.item():.4f}  {time.time() - begun:.0f} s", flush=True)
print(json.dumps({"seed": args.seed, "validation_macro_f1": score(model, *validation), "test_macro_f1": score(model, *test), "seconds": time.time() - begun}))
