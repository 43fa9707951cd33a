import argparse
import csv
import tomllib

import pytest

torch = pytest.importorskip("torch", reason="needs the extra [models]")
optuna = pytest.importorskip("optuna", reason="needs the extra [models]")
pytest.importorskip("lightning", reason="needs the extra [models]")

from tiny_pictures import make_mushrooms  # noqa: E402

from audit.errors import InputError, PlumblineError  # noqa: E402
from dashboard.cli.main import main  # noqa: E402
from training import faces, mushrooms, search, settings  # noqa: E402

pytestmark = pytest.mark.models
FLAGS = (
    "--backbone",
    "shufflenet_v2_x0_5",
    "--size",
    "32",
    "--epochs",
    "1",
    "--batch-size",
    "21",
    "--frozen",
)


@pytest.fixture(autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return make_mushrooms(tmp_path_factory.mktemp("search") / "data", 45)


@pytest.fixture
def parser():
    parser = argparse.ArgumentParser()
    mushrooms.add_arguments(parser)
    return parser


class Outcome:
    def __init__(self, value):
        self.value, self.results = value, [argparse.Namespace(stopped="epochs")]


@pytest.fixture
def bowl(monkeypatch):
    """Replaces training by a known function of the learning rate, and counts its calls."""
    calls = []

    def train(args, on_epoch, prepared):
        calls.append(args)
        value = abs(args.learning_rate - 1e-3) * 1000
        for epoch in range(3):
            on_epoch({"nll": value + 2 - epoch})
        return Outcome(value)

    monkeypatch.setattr(mushrooms, "train", train)
    return calls


def rows(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_search_ends_with_a_setting_that_the_next_training_takes(data, tmp_path, parser):
    found = search.search("mushrooms", data, tmp_path, flags=FLAGS, trials=2, say=lambda line: None)
    assert found.trials + found.pruned == 2
    assert (tmp_path / "search.svg").stat().st_size > 5000
    assert (tmp_path / "search.png").read_bytes()[:4] == b"\x89PNG"
    assert not list(tmp_path.rglob("*.ckpt"))
    args = parser.parse_args(
        ["--data", str(data), "--weights-out", str(tmp_path / "w"), "--settings", str(found.settings)]
    )
    assert args.learning_rate == pytest.approx(found.best["learning_rate"], rel=1e-12)
    assert (args.backbone, args.size, args.frozen, args.epochs) == ("shufflenet_v2_x0_5", 32, True, 1)
    outcome = mushrooms.train(args)
    # the same setting, data and seed: the same training
    assert outcome.value == pytest.approx(found.value, rel=1e-6)


def test_the_best_is_the_smallest_and_flags_that_were_set_are_not_searched(data, tmp_path, bowl):
    found = search.search(
        "mushrooms", data, tmp_path, flags=["--dropout", "0.3"], trials=12, seed=3, say=lambda line: None
    )
    assert len(bowl) == 12
    assert {args.dropout for args in bowl} == {0.3}
    rates = [args.learning_rate for args in bowl]
    assert len(set(rates)) == 12
    finished = [row for row in rows(tmp_path / "trials.csv") if row["state"] == "complete"]
    assert found.value == pytest.approx(min(float(row["value"]) for row in finished))
    assert found.value == pytest.approx(abs(found.best["learning_rate"] - 1e-3) * 1000)
    assert "dropout" not in found.best
    assert tomllib.loads(found.settings.read_text())["train"]["dropout"] == 0.3
    assert "trial" in found.settings.read_text().splitlines()[1]


def test_a_search_resumes_after_a_kill(data, tmp_path, bowl, monkeypatch):
    search.search("mushrooms", data, tmp_path, trials=3, say=lambda line: None)
    first = [args.learning_rate for args in bowl]
    trained = mushrooms.train

    def killed(args, on_epoch, prepared):
        raise KeyboardInterrupt

    monkeypatch.setattr(mushrooms, "train", killed)
    with pytest.raises(KeyboardInterrupt):
        search.search("mushrooms", data, tmp_path, trials=1, say=lambda line: None)
    monkeypatch.setattr(mushrooms, "train", trained)
    found = search.search("mushrooms", data, tmp_path, trials=3, say=lambda line: None)
    table = rows(tmp_path / "trials.csv")
    assert [row["state"] == "fail" for row in table] == [False] * 3 + [True] + [False] * 3
    assert len(set(first) | {args.learning_rate for args in bowl[3:]}) == 6  # no trial is drawn twice
    assert found.value == pytest.approx(
        min(float(row["value"]) for row in table if row["state"] == "complete")
    )


def test_a_trial_that_lags_is_pruned(data, tmp_path, monkeypatch):
    count = []

    def train(args, on_epoch, prepared):
        count.append(1)
        for _ in range(5):
            on_epoch({"nll": float(len(count))})  # each is worse than all before
        return Outcome(float(len(count)))

    monkeypatch.setattr(mushrooms, "train", train)
    found = search.search("mushrooms", data, tmp_path, trials=7, say=lambda line: None)
    assert (found.trials, found.pruned, found.value) == (4, 3, 1.0)
    assert {row["epochs"] for row in rows(tmp_path / "trials.csv") if row["state"] == "pruned"} == {"3"}


def test_the_minutes_end_a_search(data, tmp_path, bowl, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(search, "monotonic", lambda: now[0])
    train = mushrooms.train

    def slow(args, on_epoch, prepared):
        now[0] += 25
        return train(args, on_epoch, prepared)

    monkeypatch.setattr(mushrooms, "train", slow)
    search.search("mushrooms", data, tmp_path, minutes=1, say=lambda line: None)
    assert len(bowl) == 3
    assert [args.minutes for args in bowl] == pytest.approx([1, 35 / 60, 10 / 60])


def test_another_question_needs_another_folder(data, tmp_path, bowl):
    search.search("mushrooms", data, tmp_path, trials=1, say=lambda line: None)
    with pytest.raises(InputError, match=r"study\.db: holds a search with other data or flags"):
        search.search("mushrooms", data, tmp_path, trials=1, flags=["--size", "48"], say=lambda line: None)


def test_a_search_needs_an_end_a_model_and_a_finished_trial(data, tmp_path, monkeypatch):
    with pytest.raises(InputError, match="one of the two was expected; neither came"):
        search.search("mushrooms", data, tmp_path)
    with pytest.raises(InputError, match="one of faces, comments, mushrooms was expected"):
        search.search("birds", data, tmp_path, trials=1)
    with pytest.raises(InputError, match="--colour is not known"):
        search.search("mushrooms", data, tmp_path, trials=1, flags=["--colour"])
    with pytest.raises(InputError, match="invalid int value: 'x'"):
        search.search("mushrooms", data, tmp_path, trials=1, flags=["--size", "x"])

    def prune(args, on_epoch, prepared):
        raise optuna.TrialPruned

    monkeypatch.setattr(mushrooms, "train", prune)
    with pytest.raises(PlumblineError, match="no trial was finished"):
        search.search("mushrooms", data, tmp_path / "p", trials=1, say=lambda line: None)


@pytest.mark.parametrize("module", [faces, mushrooms])
def test_every_range_of_a_search_is_a_flag_that_accepts_its_ends(module, tmp_path):
    parser = argparse.ArgumentParser()
    module.add_arguments(parser)
    ends = {
        name: value
        for name, (how, *range_) in module.SPACE.items()
        for value in (range_ if how == "one of" else range_[:1])
    }
    settings.write(tmp_path / "s.toml", ends)
    assert settings.read(tmp_path / "s.toml", parser) == ends


def test_settings_are_read_as_they_were_written_and_flags_win(tmp_path, parser):
    file = tmp_path / "s.toml"
    settings.write(file, {"learning_rate": 0.02, "augment": "none", "size": 64, "frozen": True}, ["why"])
    assert file.read_text().splitlines()[0] == "# why"
    base = ["--data", "d"]
    args = parser.parse_args([*base, "--settings", str(file)])
    assert (args.learning_rate, args.augment, args.size, args.frozen) == (0.02, "none", 64, True)
    for words in (["--size", "48", "--settings", str(file)], ["--settings", str(file), "--size", "48"]):
        args = parser.parse_args([*base, *words])
        assert (args.size, args.learning_rate) == (48, 0.02)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("colour = 1", "no setting is called colour. Allowed: accelerator"),
        ("size = [1]", ", size: one value was expected; got [1]."),
        ("size = 1.5", ", size: 1.5 is not what --size takes."),
        ("augment = 'wild'", ", augment: one of none, light, strong was expected; got 'wild'."),
        ("frozen = 1", ", frozen: true or false was expected; got 1."),
        ("size = ", "is not TOML"),
    ],
)
def test_settings_that_can_t_be_are_refused(tmp_path, parser, text, message):
    (tmp_path / "s.toml").write_text(text)
    with pytest.raises(InputError) as caught:
        parser.parse_args(["--data", "d", "--settings", str(tmp_path / "s.toml")])
    assert message in str(caught.value)
    with pytest.raises(InputError, match="there is no such settings file"):
        settings.read(tmp_path / "none.toml", parser)


@pytest.mark.parametrize("kind_first", [True, False])
def test_the_command_hands_on_what_follows_two_dashes(data, tmp_path, bowl, capsys, kind_first):
    own = ["--data", str(data), "--out", str(tmp_path), "--trials", "1"]
    words = ["mushrooms", *own] if kind_first else [*own, "mushrooms"]
    assert main(["tune", *words, "--", "--size", "48", "--dropout=0.1"]) == 0
    assert (bowl[0].size, bowl[0].dropout) == (48, 0.1)
    assert capsys.readouterr().out.splitlines()[-1] == str(tmp_path / "best.toml")
    assert main(["tune", *words, "--", "--colour", "x"]) == 1
    assert "--colour x is not known" in capsys.readouterr().err
