"""DistilBERT-base with a classification head, trained by PyTorch eager.

The peer of `npm run bench:train`: for each line {"batch", "length"} on standard input it does one step
(forward, backward, clipping, AdamW; model.train(), dropout as given) and answers {"ms", "peakGib"}.
"""

import json
import resource
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F


class Layer(nn.Module):
    def __init__(self, width: int, heads: int, wide: int, dropout: float):
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.q_lin, self.k_lin = nn.Linear(width, width), nn.Linear(width, width)
        self.v_lin, self.out_lin = nn.Linear(width, width), nn.Linear(width, width)
        self.sa_layer_norm = nn.LayerNorm(width, eps=1e-12)
        self.lin1, self.lin2 = nn.Linear(width, wide), nn.Linear(wide, width)
        self.output_layer_norm = nn.LayerNorm(width, eps=1e-12)

    def forward(self, x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        batch, length, width = x.shape

        def split(y: torch.Tensor) -> torch.Tensor:
            return y.view(batch, length, self.heads, width // self.heads).transpose(1, 2)

        q, k, v = split(self.q_lin(x)), split(self.k_lin(x)), split(self.v_lin(x))
        p = self.dropout if self.training else 0.0
        context = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, dropout_p=p)
        context = context.transpose(1, 2).reshape(batch, length, width)
        x = self.sa_layer_norm(self.out_lin(context) + x)
        inner = F.dropout(self.lin2(F.gelu(self.lin1(x))), self.dropout, self.training)
        return self.output_layer_norm(inner + x)


class Classifier(nn.Module):
    def __init__(self, layers: int, dropout: float, width: int = 768, labels: int = 4):
        super().__init__()
        self.dropout = dropout
        self.words = nn.Embedding(30522, width, padding_idx=0)
        self.positions = nn.Embedding(512, width)
        self.norm = nn.LayerNorm(width, eps=1e-12)
        self.layers = nn.ModuleList(Layer(width, 12, 3072, dropout) for _ in range(layers))
        self.dense, self.out = nn.Linear(width, width), nn.Linear(width, labels)

    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        position = torch.arange(ids.shape[1])
        x = self.norm(self.words(ids) + self.positions(position))
        x = F.dropout(x, self.dropout, self.training)
        allowed = mask[:, None, None, :].bool().expand(-1, 1, ids.shape[1], -1)
        for layer in self.layers:
            x = layer(x, allowed)
        first = F.dropout(x[:, 0], self.dropout, self.training)
        return self.out(F.dropout(F.gelu(self.dense(first)), self.dropout, self.training))


def main() -> None:
    options = json.loads(sys.argv[1])
    if options["threads"]:
        torch.set_num_threads(options["threads"])
    torch.manual_seed(1)
    model = Classifier(options["layers"], options["dropout"])
    model.train()
    decayed = [p for p in model.parameters() if p.dim() > 1]
    others = [p for p in model.parameters() if p.dim() <= 1]
    groups = [{"params": decayed, "weight_decay": 0.01}, {"params": others, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=2e-5)
    print(json.dumps({"ready": True, "torch": torch.__version__}), flush=True)
    for line in sys.stdin:
        size = json.loads(line)
        ids = torch.arange(size["batch"] * size["length"]) * 7919 % 30522
        ids = ids.view(size["batch"], size["length"])
        labels = torch.zeros(size["batch"], 4)
        start = time.perf_counter()
        loss = F.binary_cross_entropy_with_logits(model(ids, torch.ones_like(ids)), labels)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        loss.item()
        ms = (time.perf_counter() - start) * 1e3
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        print(json.dumps({"ms": ms, "peakGib": peak}), flush=True)


if __name__ == "__main__":
    main()
