import pytest

import herald


@pytest.fixture
def folder():
    """A fresh folder with a short path."""
    with herald.TemporaryFolder() as path:
        yield path


@pytest.fixture
def start_node(folder):
    """Starts nodes, in the same data folder unless told otherwise; whatever
    still runs at the end is killed."""
    nodes = []

    def start(*arguments, **options):
        nodes.append(herald.Node(folder, *arguments, **options))
        return nodes[-1]

    yield start
    for node in nodes:
        node.kill()


@pytest.fixture
def node(start_node):
    return start_node()


@pytest.fixture(scope="module")
def kafka_node():
    """One node for the tests of a module, which use topics of their own. What
    they did to it leaves a clean end and a good data folder behind."""
    with herald.TemporaryFolder() as path:
        with herald.Node(path) as node:
            yield node
            assert node.stop() == herald.OK, node.log()
        done = herald.herald("verify", node.data)
        assert done.returncode == herald.OK, done.stdout + done.stderr


@pytest.fixture(scope="session")
def games():
    """Forty generated games: eighty documents, the same ones each time."""
    with herald.TemporaryFolder() as path:
        yield herald.generate(path / "games", 40, seed=11)


@pytest.fixture(scope="session")
def riot_samples():
    """Real documents, which this repository may not carry."""
    if not herald.RIOT_SAMPLES.is_dir():
        pytest.skip("needs the folder 'shared' with Riot's documents beside "
                    "the repository")
    return herald.RIOT_SAMPLES
