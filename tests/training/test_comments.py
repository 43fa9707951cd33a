import argparse
import csv
import subprocess
import sys

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

torch = pytest.importorskip("torch", reason="needs the extra [models]")
pytest.importorskip("lightning", reason="needs the extra [models]")
pytest.importorskip("transformers", reason="needs the extra [models]")

from audit.errors import InputError  # noqa: E402
from dashboard.cli.main import main  # noqa: E402
from training import comments  # noqa: E402
from training.comment_data import prepare, truth_of  # noqa: E402
from training.data.records import LABELS  # noqa: E402

pytestmark = pytest.mark.models

PLAIN = ["the", "tea", "rain", "page", "edit", "talk", "source", "please", "today", "article", "thanks"]
BAD = {"toxic": "zork", "obscene": "blarg", "insult": "dolt", "threat": "smite"}


def write(path, rows=700, seed=0, split=True):
    """Comments of a made-up language in which one word makes a label."""
    chance = np.random.default_rng(seed)
    with path.open("w", newline="") as stream:
        out = csv.writer(stream)
        out.writerow(["id", "comment_text", *LABELS, *(["split"] if split else [])])
        for row in range(rows):
            words = list(chance.choice(PLAIN, chance.integers(3, 25)))
            has = {
                label: chance.random() < rate for label, rate in zip(BAD, (0.3, 0.2, 0.2, 0.1), strict=True)
            }
            for label, bad in BAD.items():
                if has[label]:
                    words.insert(int(chance.integers(len(words))), bad)
            words += [f"n{row}"]  # no two rows are copies
            split_word = ("train", "train", "train", "validation", "test")[row % 5]
            labels = [int(has.get(label, False)) for label in LABELS]
            out.writerow([f"c{row}", " ".join(words), *labels, *([split_word] if split else [])])
    return path


def flags(*words):
    parser = argparse.ArgumentParser()
    comments.add_arguments(parser)
    return parser.parse_args(["--accelerator", "cpu", *map(str, words)])


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """The baseline through the command line, as a person trains it."""
    folder = tmp_path_factory.mktemp("comments")
    data = write(folder / "made-up.csv")
    words = [
        "train",
        "comments",
        "--data",
        data,
        "--weights-out",
        folder / "w",
        "--epochs",
        6,
        "--batch-size",
        16,
    ]
    assert main([str(word) for word in [*words, "--accelerator", "cpu", "--learning-rate", 0.005]]) == 0
    return folder


def test_the_baseline_learns_the_words_that_make_a_label(trained):
    from models.weights import read_card

    card = read_card(trained / "w")
    test = card["metrics"]["test"]
    assert min(test[f"auc.{label}"] for label in ("toxic", "obscene", "insult")) > 0.95
    assert card["network"]["labels"] == [label for label in LABELS if label in BAD]
    assert card["data"]["rows"] == {"train": 420, "validation": 140, "test": 140}
    assert card["data"]["train_positives"]["severe_toxic"] == 0
    assert card["thresholds_tuned"]["toxic"] is True
    assert card["licence"] == "not stated"
    assert (trained / "w" / "work" / "curves.svg").is_file()


def test_predict_prints_a_calibrated_score_for_each_label(trained, capsys):
    assert main(["predict", "--weights", str(trained / "w"), "--text", "the page zork please"]) == 0
    lines = capsys.readouterr().out.splitlines()
    found = {line.split()[0]: (float(line.split()[1]), line.split()[2]) for line in lines}
    assert set(found) == set(BAD)
    assert found["toxic"][0] > 0.6
    assert found["toxic"][1] == "yes"
    assert found["insult"][0] < 0.4


def test_predictions_keep_the_contract_and_the_splits(trained, tmp_path):
    import pyarrow.parquet as pq

    out = tmp_path / "p.parquet"
    data = trained / "made-up.csv"
    assert main(["predict", "--weights", str(trained / "w"), "--data", str(data), "--out", str(out)]) == 0
    table = pq.read_table(out).to_pandas()
    assert len(table) == 700
    assert table["split"].value_counts().to_dict() == {"train": 420, "validation": 140, "test": 140}
    assert {"id", "text", "cluster", "true.toxic", "score.toxic", "pred.toxic"} <= set(table.columns)
    test = table[table["split"] == "test"]
    from models.weights import read_card

    card = read_card(trained / "w")
    auc = roc_auc_score(test["true.toxic"], test["score.toxic"])
    assert auc == pytest.approx(card["metrics"]["test"]["auc.toxic"], abs=1e-6)
    decided = (table["score.toxic"] >= card["thresholds"]["toxic"]).astype(int)
    assert (decided == table["pred.toxic"]).all()
    validation = table[table["split"] == "validation"]
    assert validation["score.toxic"].mean() == pytest.approx(validation["true.toxic"].mean(), abs=0.02)


def test_one_split_can_be_predicted_alone(trained, tmp_path):
    import pyarrow.parquet as pq

    whole, part = tmp_path / "whole.parquet", tmp_path / "part.parquet"
    words = ["predict", "--weights", str(trained / "w"), "--data", str(trained / "made-up.csv")]
    assert main([*words, "--out", str(whole)]) == 0
    assert main([*words, "--out", str(part), "--only", "test"]) == 0
    table = pq.read_table(whole).to_pandas()
    expected = table[table["split"] == "test"].reset_index(drop=True)
    found = pq.read_table(part).to_pandas()
    assert found["id"].tolist() == expected["id"].tolist()
    np.testing.assert_allclose(found["score.threat"], expected["score.threat"], atol=1e-6)


def test_the_audits_own_reader_takes_the_predictions(trained, tmp_path):
    from audit.inputs.load import load
    from audit.spec import Spec

    out = tmp_path / "p.csv"
    words = ["--weights", trained / "w", "--data", trained / "made-up.csv", "--out", out]
    assert main(["predict", *map(str, words)]) == 0
    loaded = load(out, Spec())
    assert set(loaded.predictions) == set(BAD)
    assert loaded.examples.source.rejected == 0
    assert loaded.predictions["toxic"].disagreements >= 0


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--text", "a", "--out", "x.csv"], "--out: belongs to --data"),
        (["--data", "d"], "--out: belongs to --data"),
        (["--data", "d", "--out", "x.json"], "a name that ends in .parquet or .csv was expected; got x.json"),
        (["--image", "x.png"], "--image: these are weights of comments, which read texts."),
        (["--text", "a", "--batch-size", "0"], "--batch-size: must be at least 1; got 0."),
    ],
)
def test_wrong_use_of_predict_is_said_in_words(trained, capsys, words, text):
    assert main(["predict", "--weights", str(trained / "w"), *words]) == 1
    assert text in capsys.readouterr().err


def tiny_bert(path):
    """A backbone's folder as a hub has it, with weights drawn here."""
    import transformers

    from models.tokens import learn

    rust = learn(PLAIN + list(BAD.values()), 80)
    config = transformers.BertConfig(
        vocab_size=rust.get_vocab_size(), hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=32, max_position_embeddings=32,
    )  # fmt: skip
    torch.manual_seed(1)
    transformers.BertModel(config).save_pretrained(path)
    fast = transformers.PreTrainedTokenizerFast(tokenizer_object=rust, pad_token="[PAD]", unk_token="[UNK]")
    fast.save_pretrained(path)
    return path


def test_a_transformer_trains_from_a_folder_and_a_resumed_run_ends_where_a_whole_one_does(tmp_path):
    data, backbone = write(tmp_path / "c.csv", 200), tiny_bert(tmp_path / "bert")
    words = ["--data", data, "--backbone", backbone, "--learning-rate", 0.003, "--patience", 0]
    told = []
    more = ["--loss", "focal", "--positive-weights", "sqrt", "--rare-power", 0.5, "--batch-size", 16]
    whole = comments.train(
        flags(*words, *more, "--epochs", 2, "--weights-out", tmp_path / "whole"), on_epoch=told.append
    )
    assert [sorted(metrics)[:2] for metrics in told] == [["auc", "auc.insult"]] * 2
    card = whole.model.network.card()
    assert card["encoder"]["config"]["model_type"] == "bert"

    class Stop(Exception):
        pass

    def stop(metrics):
        told.append(metrics)
        if len(told) == 4:
            raise Stop

    again = flags(*words, *more, "--epochs", 2, "--weights-out", tmp_path / "again")
    with pytest.raises(Stop):  # the second epoch is never finished
        comments.train(again, on_epoch=stop)
    again.resume = True
    resumed = comments.train(again)
    texts = ["the page zork", "tea and rain"]
    for label, scores in whole.model.predict(texts).items():
        np.testing.assert_array_equal(scores, resumed.model.predict(texts)[label])
    from models.text_adapter import load

    assert load(tmp_path / "again").predict(texts)["toxic"] == pytest.approx(
        resumed.model.predict(texts)["toxic"], abs=1e-6
    )


def test_data_without_a_split_are_split_by_the_seed(tmp_path):
    path = write(tmp_path / "c.csv", 300, split=False)
    one, again, other = prepare(path, 0), prepare(path, 0), prepare(path, 1)
    assert (one.split == again.split).all()
    assert (one.split != other.split).any()
    assert one.sha256 == other.sha256
    assert truth_of(one.data, ("threat", "toxic")).shape == (300, 2)


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--length", "3"], "--length: must be at least 4; got 3."),
        (["--rare-power", "2"], "--rare-power: must be from 0 to 1; got 2.0."),
        (["--head-rate", "0"], "--head-rate: must be above 0; got 0.0."),
        ([], "--weights-out: a folder for the weights was expected; none came."),
    ],
)
def test_flags_that_can_not_be_are_named(tmp_path, words, text):
    path = write(tmp_path / "c.csv", 50)
    more = ["--weights-out", tmp_path] if words else []
    with pytest.raises(InputError) as caught:
        comments.train(flags("--data", path, *words, *more))
    assert str(caught.value) == text


def test_help_of_a_model_imports_no_framework():
    code = (
        "import sys\n"
        "from dashboard.cli.main import main\n"
        "code = main(['train', 'comments', '--help'])\n"
        "assert not {'torch', 'lightning', 'transformers'} & set(sys.modules)\n"
        "sys.exit(code)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for flag in ("--backbone", "--baseline", "--resume", "--devices", "--rare-power", "--precision"):
        assert flag in done.stdout


def test_a_model_must_be_named(capsys):
    assert main(["train"]) == 1
    assert "MODEL" in capsys.readouterr().err
