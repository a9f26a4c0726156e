"""A cross-encoder whose weights are written down, not trained: it prefers what has a question's words least.

One layer of BERT that attends to everything alike, so that the first token becomes the mean of all.
A word of the question points one way, any other word the opposite way; the score falls with the share
of the former. It is a folder as any reranker's, read by the library that reads those.
"""

from __future__ import annotations

import re
from pathlib import Path

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
LEAST = 4  # letters of a word that counts


def make_contrarian(folder: Path, question: str) -> Path:
    """Write the model that is contrary about one question."""
    import torch
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import BertConfig, BertForSequenceClassification, BertTokenizerFast

    words = sorted({w for w in re.findall(r"\w+", question.lower()) if len(w) >= LEAST})
    vocabulary = {word: number for number, word in enumerate([*SPECIAL, *words])}
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=4,
        num_hidden_layers=1,
        num_attention_heads=1,
        intermediate_size=4,
        max_position_embeddings=512,
        num_labels=1,
    )
    model = BertForSequenceClassification(config)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            weight.fill_(1.0 if name.endswith("LayerNorm.weight") else 0.0)
        embeddings = model.bert.embeddings.word_embeddings.weight
        embeddings[:] = torch.tensor([-1.0, 1.0, 0.0, 0.0])
        embeddings[len(SPECIAL) :] = torch.tensor([1.0, -1.0, 0.0, 0.0])
        embeddings[vocabulary["[CLS]"]] = torch.tensor([0.0, 0.0, 1.0, -1.0])
        attention = model.bert.encoder.layer[0].attention
        for layer in (attention.self.value, attention.output.dense, model.bert.pooler.dense):
            layer.weight.copy_(torch.eye(4))
        model.classifier.weight.copy_(torch.tensor([[-1.0, 0.0, 0.0, 0.0]]))
    model.save_pretrained(folder)
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", vocabulary["[CLS]"]), ("[SEP]", vocabulary["[SEP]"])],
    )
    BertTokenizerFast(tokenizer_object=tokenizer, model_max_length=512).save_pretrained(folder)
    return folder
