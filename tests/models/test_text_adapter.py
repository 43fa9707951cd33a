import json

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra [models]")
transformers = pytest.importorskip("transformers", reason="needs the extra [models]")

from audit import protocols  # noqa: E402
from audit.core import TaskKind  # noqa: E402
from audit.errors import InputError, PlumblineError  # noqa: E402
from models import text_adapter, text_backbone, weights  # noqa: E402
from models.text_adapter import TextConditions, TextModel  # noqa: E402
from models.text_bilstm import BiLSTM, BiLSTMConfig  # noqa: E402
from models.text_calibration import Calibration  # noqa: E402
from models.text_network import TextNetwork, from_card  # noqa: E402
from models.tokens import Tokens, learn  # noqa: E402

pytestmark = pytest.mark.models

WORDS = [
    "you", "are", "a", "kind", "wise", "old", "bad", "awful", "person", "who", "writes", "long", "short",
    "comments", "about", "tea", "and", "rain",
]  # fmt: skip
LABELS = ("toxic", "threat")
CALIBRATION = Calibration(slope=np.array([1.5, 0.7]), intercept=np.array([0.2, -1.0]))


def texts(n, seed=0):
    chance = np.random.default_rng(seed)
    return [" ".join(chance.choice(WORDS, chance.integers(1, 40))) for _ in range(n)]


def folder_of_a_tiny_bert(path):
    """A backbone's folder as a hub has it, with weights drawn here."""
    rust = learn(texts(200), 200)
    config = transformers.BertConfig(
        vocab_size=rust.get_vocab_size(), hidden_size=16, num_hidden_layers=2, num_attention_heads=2,
        intermediate_size=32, max_position_embeddings=48,
    )  # fmt: skip
    torch.manual_seed(1)
    transformers.BertModel(config).save_pretrained(path)
    fast = transformers.PreTrainedTokenizerFast(tokenizer_object=rust, pad_token="[PAD]", unk_token="[UNK]")
    fast.save_pretrained(path)
    return path


@pytest.fixture(scope="module")
def bert_folder(tmp_path_factory):
    return folder_of_a_tiny_bert(tmp_path_factory.mktemp("bert"))


@pytest.fixture(params=["bert", "bilstm"])
def model(request, bert_folder):
    if request.param == "bert":
        encoder, tokens = text_backbone.pretrained(str(bert_folder), 48)
    else:
        tokens = Tokens(learn(texts(200), 200), 48)
        encoder = BiLSTM(BiLSTMConfig(vocabulary=tokens.size, embedding=8, hidden=8))
    torch.manual_seed(2)
    network = TextNetwork(encoder, LABELS)
    torch.nn.init.normal_(network.head.weight, std=0.2)  # scores that differ between texts
    return TextModel(network, tokens, CALIBRATION, {"toxic": 0.4})


def test_it_keeps_the_promises_of_the_protocols(model):
    for protocol in ("Model", "Differentiable", "Embeds", "Randomisable", "Tunable", "Explains"):
        assert isinstance(model, getattr(protocols, protocol))
    assert [task.kind for task in model.tasks.values()] == [TaskKind.BINARY] * 2
    assert tuple(model.tasks) == LABELS


def test_batches_of_1_and_64_give_the_same_scores(model):
    rows = texts(64)
    together = model.predict(rows)
    for label in LABELS:
        singles = np.array([model.predict([text])[label][0] for text in rows])
        assert np.ptp(singles) > 0.01
        np.testing.assert_allclose(together[label], singles, atol=1e-5, rtol=0)


def test_scores_are_the_networks_own_logits_calibrated(model):
    text = texts(1)[0]
    ids = torch.tensor([model.tokens.tokenizer.encode(text).ids])
    with torch.no_grad():
        logits = model.network(ids, torch.ones_like(ids))[0].double().numpy()
    expected = 1 / (1 + np.exp(-(logits * CALIBRATION.slope + CALIBRATION.intercept)))
    np.testing.assert_allclose([model.predict([text])[label][0] for label in LABELS], expected, rtol=1e-5)


def test_order_and_repeats_do_not_matter(model):
    rows = texts(20)
    once = model.predict(rows)["toxic"]
    again = model.predict(rows[::-1] + rows)["toxic"]
    np.testing.assert_allclose(again, np.concatenate([once[::-1], once]), atol=1e-6)


def test_empty_long_and_odd_texts_are_scored(model):
    odd = ["", " ", "\0", "\ud800", "😀" * 50, "a" * 100_000, " ".join(WORDS * 50)]
    scores = model.predict(odd)["toxic"]
    assert np.isfinite(scores).all()
    assert model.predict([])["toxic"].shape == (0,)
    cut = " ".join(" ".join(WORDS * 50).split()[:46])
    assert model.predict([cut])["toxic"][0] == pytest.approx(scores[-1], abs=1e-6)


def test_the_batch_is_halved_until_memory_is_enough(model, monkeypatch):
    rows = texts(64)
    expected = model.predict(rows)["toxic"]
    sizes = []

    def small_memory(ids, mask):
        sizes.append(len(ids))
        if len(ids) > 10:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 1 bytes")
        return model.network(ids, mask)

    monkeypatch.setattr(model, "_forward", small_memory)
    np.testing.assert_allclose(model.predict(rows)["toxic"], expected, atol=1e-6)
    assert sizes[:4] == [64, 32, 16, 8]
    assert model.batch_size == 8
    monkeypatch.setattr(model, "_forward", lambda ids, mask: small_memory(ids.repeat(11, 1), mask))
    with pytest.raises(PlumblineError, match="one text alone does not fit into cpu's memory"):
        model.predict(rows)


def test_other_errors_of_the_network_are_not_taken_for_memory(model, monkeypatch):
    def broken(ids, mask):
        raise RuntimeError("shape mismatch")

    monkeypatch.setattr(model, "_forward", broken)
    with pytest.raises(RuntimeError, match="shape mismatch"):
        model.predict(texts(3))


def test_gradients_are_those_of_finite_differences(model):
    rows = texts(3)
    model.network.double()
    target = np.array([1, 0, 1])
    found = model.gradient(rows, "threat", target)
    ids = model.tokens.encode(rows)
    for text, gradient in enumerate(found):
        assert gradient.shape == (
            len(ids[text]),
            model.network.encoder.embeddings(torch.tensor([[0]])).shape[2],
        )
        at, step = (len(ids[text]) - 1, 3), 1e-5

        def loss(change, text=text, at=at):
            embedded = model.network.encoder.embeddings(torch.tensor([ids[text]])).detach().clone()
            embedded[0, at[0], at[1]] += change
            with torch.no_grad():
                mask = torch.ones(1, len(ids[text]), dtype=torch.long)
                logit = model.network.from_embeddings(embedded, mask)[0, 1].item()
            z = logit * 0.7 - 1.0
            return np.logaddexp(0, z) - target[text] * z

        numeric = (loss(step) - loss(-step)) / (2 * step)
        assert gradient[at] == pytest.approx(numeric, rel=1e-3, abs=1e-8)


def test_attributions_add_up_to_the_change_of_the_logit(model):
    rows = texts(3)
    parts = model.explain(rows, "toxic", "integrated_gradients")
    ids = model.tokens.encode(rows)
    for row, part in zip(ids, parts, strict=True):
        mask = torch.ones(1, len(row), dtype=torch.long)
        with torch.no_grad():
            full = model.network.encoder.embeddings(torch.tensor([row]))
            ends = [model.network.from_embeddings(e, mask)[0, 0].item() for e in (full, full * 0)]
        assert part.shape == (len(row),)
        assert part.sum() == pytest.approx(ends[0] - ends[1], rel=0.05, abs=0.02)


def test_other_attributions_are_of_the_gradient(model):
    rows = texts(2)
    norm, product = (model.explain(rows, "toxic", method) for method in ("gradient", "gradient_x_input"))
    assert all((a >= 0).all() and a.shape == b.shape for a, b in zip(norm, product, strict=True))
    with pytest.raises(
        InputError, match="method: one of gradient, gradient_x_input, integrated_gradients; got 'x'"
    ):
        model.explain(rows, "toxic", "x")
    with pytest.raises(InputError, match="output: one of toxic, threat; got 'rude'"):
        model.explain(rows, "rude", "gradient")


def test_spans_name_the_characters_of_each_token(model):
    text = "kind, old person"
    (spans,) = model.spans([text])
    assert "".join(text[a:b] for a, b in spans) == "kind,oldperson"
    assert len(spans) == len(model.tokens.encode([text])[0])
    assert spans[0] == spans[-1] == (0, 0)


def test_embeddings_are_what_the_last_layer_reads(model):
    rows = texts(5)
    features = model.embed(rows)
    head = model.network.head
    logits = features @ head.weight.detach().numpy().T + head.bias.detach().numpy()
    np.testing.assert_allclose(logits, model.logits(rows), atol=1e-5)


def test_random_weights_are_the_seeds_and_leave_torchs_generator_alone(model):
    rows = texts(4)
    before = torch.get_rng_state()
    one, again, other = (model.randomised(seed).logits(rows) for seed in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), before)
    assert (one == again).all()
    assert not np.allclose(one, other)
    assert not np.allclose(one, model.logits(rows))


def test_working_conditions_change_time_not_weights(model):
    rows = texts(8)
    quick = model.configured(threads=1, precision="bf16", compile=False)
    assert quick.network is model.network
    scores = quick.predict(rows)["toxic"]
    np.testing.assert_allclose(scores, model.predict(rows)["toxic"], atol=0.05)
    assert (scores != model.predict(rows)["toxic"]).any()
    with pytest.raises(InputError, match="precision: one of fp32, bf16; this is 'int8'"):
        model.configured(threads=1, precision="int8", compile=False)


def test_decisions_follow_the_thresholds(model):
    scores = {"toxic": np.array([0.39, 0.4]), "threat": np.array([0.4, 0.5])}
    decided = model.decide(scores)
    assert decided["toxic"].tolist() == [0, 1]
    assert decided["threat"].tolist() == [0, 1]


def test_what_is_no_list_of_texts_is_refused(model):
    with pytest.raises(InputError, match="batch: a list of texts was expected; one text came"):
        model.predict("hello")
    with pytest.raises(InputError, match="batch, text 1: a string was expected; got float"):
        model.predict(["hello", float("nan")])


def test_saved_weights_predict_the_same(model, tmp_path):
    card = {
        "model": "comments", "network": model.network.card(), "tokenizer": model.tokens.card(),
        "calibration": model.calibration.card(), "thresholds": model.thresholds,
    }  # fmt: skip
    weights.save(tmp_path, model.network.state_dict(), card)
    again = text_adapter.load(tmp_path, TextConditions(batch_size=7))
    rows = texts(20)
    for label in LABELS:
        np.testing.assert_allclose(again.predict(rows)[label], model.predict(rows)[label], atol=1e-6)
    assert again.thresholds == {"toxic": 0.4, "threat": 0.5}
    weights.save(tmp_path, model.network.state_dict(), {**card, "model": "faces"})
    with pytest.raises(InputError, match="weights of a comments model were expected; these are 'faces'"):
        text_adapter.load(tmp_path)


def test_padding_has_no_gradient_and_no_say(model):
    short, long = "kind person", " ".join(WORDS)
    alone = model.gradient([short], "toxic", np.array([1]))[0]
    beside = model.gradient([short, long], "toxic", np.array([1, 0]))[0]
    np.testing.assert_allclose(alone, beside, atol=1e-6)


def test_a_learned_tokenizer_is_the_same_every_time_and_travels_as_json():
    one, two = (learn(texts(200), 150).to_str() for _ in range(2))
    assert one == two
    tokens = Tokens(learn(texts(200), 150), 12)
    again = Tokens.from_card(json.loads(json.dumps(tokens.card())), "card")
    rows = texts(9)
    assert again.encode(rows) == tokens.encode(rows)
    assert max(map(len, tokens.encode(rows))) == 12
    with pytest.raises(InputError, match="the tokenizer in the card can't be read"):
        Tokens.from_card({"json": {}, "length": 3, "pad": 0}, "card")


def test_an_unknown_encoder_is_refused():
    with pytest.raises(InputError, match="encoder: is bilstm or transformer; the card says 'cnn'"):
        from_card({"encoder": {"type": "cnn"}, "labels": ["a"]})


def test_a_head_starts_at_the_rates_of_the_labels(model):
    model.network.start_at([0.1, 0.002])
    torch.nn.init.zeros_(model.network.head.weight)
    bare = TextModel(model.network, model.tokens)
    scores = bare.predict(["tea"])
    assert scores["toxic"][0] == pytest.approx(0.1, rel=1e-5)
    assert scores["threat"][0] == pytest.approx(0.002, rel=1e-5)
