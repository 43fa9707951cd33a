"""Groups that come through the door: attributes, bands, identities, clusters, splits and payloads."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from audit.inputs.bands import band_names, bands, proposed_edges
from audit.inputs.load import load
from audit.spec import AttributeSpec, Spec

HEAD = "id,true.x,score.x,group.g\n"
NO_GROUPS = "No attributes are declared (no column group.ATTR): overall metrics only."


@pytest.fixture
def loaded(tmp_path):
    def read(text, spec=None, name="p.csv"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8", newline="")
        return load(path, spec or Spec())

    return read


def messages(found):
    return [message for message in found.examples.source.messages if message != NO_GROUPS]


def test_groups(loaded):
    found = loaded(
        HEAD + "a,1,.5,3-9\nb,0,.5,\nc,1,.5,10-19\nd,0,.5,NA\ne,1,.5,None\nf,1,.5,unknown\ng,0,.5,3-9\n"
    )
    g = found.examples.attributes["g"]
    assert g.values == ("3-9", "10-19", "NA", "None", "unknown")
    assert g.codes.tolist() == [0, 4, 1, 2, 3, 4, 0]
    assert g.unknown_code == 4
    assert messages(found) == ["group.g: one example only for 10-19, NA, None."]


def test_a_group_that_is_all_unknown(loaded):
    found = loaded(HEAD + "a,1,.5,\nb,0,.4,\n")
    assert found.examples.attributes["g"].values == ("unknown",)
    assert messages(found) == ["group.g is empty in every record: all are unknown."]


def test_ten_thousand_values_are_not_sliced(loaded):
    rows = "".join(f"{i},{i % 2},.5,v{i}\n" for i in range(10_000))
    found = loaded(HEAD + rows)
    assert found.examples.attributes == {}
    assert dict(found.examples.source.unsliced) == {"g": 10_000}
    assert messages(found) == [
        "group.g has 10,000 values and is not sliced (at most 100: max_values in the spec). "
        "Group the values in the file."
    ]
    found = loaded(HEAD + rows.replace(",v", ","))
    assert messages(found) == [
        "group.g has 10,000 values and is not sliced (at most 100: max_values in the spec). "
        "To cut it into bands, write in the spec: [attributes.g] bins = [2500, 5000, 7500]"
    ]


@pytest.mark.parametrize(("values", "sliced"), [(100, True), (101, False)])
def test_the_number_of_values_at_its_boundary(loaded, values, sliced):
    found = loaded(HEAD + "".join(f"{i},1,.5,v{i}\n" for i in range(values)) + "x,1,.5,\n")
    assert ("g" in found.examples.attributes) is sliced


def test_bins(loaded):
    spec = Spec(attributes={"g": AttributeSpec(bins=(18, 30, 60), reference="18-29")})
    found = loaded(HEAD + "a,1,.5,18\nb,0,.5,29\nc,1,.5,30\nd,0,.5,x\ne,1,.5,\nf,1,.5,17\ng,1,.5,60\n", spec)
    g = found.examples.attributes["g"]
    assert g.values == ("under 18", "18-29", "30-59", "60+", "unknown")
    assert g.codes.tolist() == [1, 1, 2, 4, 4, 0, 3]
    assert found.rejected.column("reason").to_pylist() == [
        "expected a number, came 'x'; the rest of the record is kept"
    ]


@pytest.mark.parametrize(
    ("edges", "whole", "names"),
    [
        ((18,), True, ("under 18", "18+")),
        ((18, 19, 30), True, ("under 18", "18", "19-29", "30+")),
        ((18, 30), False, ("under 18", "18 to under 30", "30+")),
        ((0.5, 1), True, ("under 0.5", "0.5 to under 1", "1+")),
        ((-10, 0, 10), True, ("under -10", "-10 to -1", "0-9", "10+")),
    ],
)
def test_names_of_bands(edges, whole, names):
    assert band_names(edges, whole=whole) == names
    assert bands(np.array([edges[0] - 1, edges[0], edges[-1]], float), edges).tolist() == [0, 1, len(edges)]


def test_proposed_edges_are_round_and_differ():
    assert proposed_edges(np.arange(1000.0)) == (250.0, 500.0, 750.0)
    assert proposed_edges(np.ones(5)) == (1.0,)


def test_identities_overlap_and_may_be_missing(loaded):
    found = loaded("id,score.x,identity.deaf,identity.old. age\na,.5,1,\nb,.5,0.3,7\nc,.5,,0\n")
    identities = found.examples.identities
    np.testing.assert_array_equal(identities["deaf"], np.array([1, 0.3, np.nan], np.float32))
    np.testing.assert_array_equal(identities["old. age"], np.array([np.nan, np.nan, 0], np.float32))


def test_rows_without_a_cluster_are_their_own(loaded):
    found = loaded("id,score.x,cluster\na,.5,p1\nb,.5,\n,.5,p3\nc,.5,p1\nd,.4,\n")
    assert found.examples.clusters.tolist() == [0, 1, 0, 2]
    assert loaded("id,score.x\na,.5\n").examples.clusters is None


def test_splits_and_their_other_names(loaded):
    found = loaded("id,split,score.x\na,train,.5\nb,val,.5\nc,Dev,.5\nd,valid,.5\ne,,.5\nf,test,.5\n")
    assert found.examples.split.tolist() == [0, 1, 1, 1, 2, 2]
    assert loaded("id,score.x\na,.5\n").examples.split.tolist() == [2]


def test_columns_are_mapped_and_the_others_listed(loaded):
    text = "Nr.,P(hired), Sex ,Remark,Group.age\n1,.5,f,x,3\n2,.6,m,y,4\n"
    spec = Spec(columns={"Nr.": "id", "P(hired)": "score.hired", " Sex ": "group.sex"})
    found = loaded(text, spec)
    assert list(found.predictions) == ["hired"]
    assert found.examples.attributes["sex"].values == ("f", "m")
    assert found.examples.source.messages[0] == (
        "Columns without a role, not read: Remark, Group.age. Did you mean group.age for Group.age?"
    )


def test_truth_without_a_prediction_is_told(loaded):
    found = loaded("id,true.x,score.x,true.y\na,1,.5,1\nb,0,.5,1\n")
    assert messages(found) == ["Truth without a score or prediction, not audited: true.y."]


def test_where_the_payload_is(loaded, tmp_path):
    found = loaded(f"id,score.x,text,image\na,.5,hello,pics/a.png\nb,.5,,{tmp_path}/pics/b.png\nc,.5,x,\n")
    source = found.examples.source
    assert source.payloads == ("text", "image")
    assert source.data_root == str(tmp_path.resolve())
    assert found.examples.images.to_pylist() == ["pics/a.png", "pics/b.png", None]


def test_a_byte_order_mark_and_windows_line_ends(loaded):
    found = loaded("\ufeff" + (HEAD + "a,1,.5,c\n\nb,0,.4,c\n").replace("\n", "\r\n"))
    assert found.examples.ids.to_pylist() == ["a", "b"]
    assert found.examples.source.messages == ()


def test_a_nul_byte_in_a_group_is_replaced(loaded):
    assert loaded(HEAD + "a,1,.5,c\0d\nb,0,.4,c\0d\n").examples.attributes["g"].values == ("c\ufffdd",)


@pytest.mark.parametrize(
    ("column", "values"),
    [
        (pa.array([True, False, None]), ("false", "true", "unknown")),
        (pa.array([30.0, 4.0, None]), ("4", "30", "unknown")),
        (pa.array([0.5, 4.0, None]), ("0.5", "4", "unknown")),
        (pa.array([30, 4, None], pa.int8()), ("4", "30", "unknown")),
        (pa.array(["b", "a", None]).dictionary_encode(), ("a", "b", "unknown")),
        (pa.array(["b", "", "a"], pa.large_string()), ("a", "b", "unknown")),
        (pa.array([10.5, 2, None]).cast(pa.decimal128(6, 2)), ("2", "10.5", "unknown")),
    ],
    ids=lambda value: str(value.type) if isinstance(value, pa.Array) else "",
)
def test_groups_of_every_type_in_parquet(tmp_path, column, values):
    pq.write_table(
        pa.table({"id": [1, 2, 3], "score.x": [0.1, 0.2, 0.3], "group.g": column}), tmp_path / "p.parquet"
    )
    g = load(tmp_path / "p.parquet", Spec()).examples.attributes["g"]
    assert g.values == values
