"""What `billgraph bench ingest` measures, at the size of a test: nothing is lost or doubled."""

from benchmarks import databases, ingest
from tests.databases import SERVER_URL


async def test_everything_that_was_acknowledged_is_there_once() -> None:
    database = SERVER_URL or databases.SQLITE

    proof = await ingest.measure(ingest.Size(rounds=1, clients=4, requests=1, events=20), database)

    broken = [figure for figure in ingest.figures(proof, ingest.Size(1, 4, 1, 20), database) if figure.held is False]
    assert proof.acknowledged == proof.kept == proof.rolled_up == 2 * 4 * 20
    assert [figure.what for figure in broken if "against" not in figure.what] == [], (
        "how quick it is, is not for a test"
    )
