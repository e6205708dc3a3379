"""Where a hub name is looked for, in which order, and that no network is asked."""

import pytest

from trainers.resolve.hub import VARIABLE, local_folder, places


@pytest.fixture
def fetched(tmp_path, monkeypatch):
    """A folder that was fetched, in the environment, with an empty cache of the hub beside it."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv(VARIABLE, str(tmp_path / "fetched"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "fetched"


def test_a_fetched_repository_stands_in_for_its_hub_name(fetched):
    (fetched / "owner" / "name").mkdir(parents=True)
    assert local_folder("owner/name", "model") == fetched / "owner" / "name"
    assert local_folder("owner/other", "model") is None


def test_a_folder_of_that_name_comes_first(fetched, tmp_path):
    (fetched / "owner" / "name").mkdir(parents=True)
    (tmp_path / "owner" / "name").mkdir(parents=True)
    found = local_folder("owner/name", "data")
    assert found is not None
    assert found.resolve() == tmp_path / "owner" / "name"


def test_the_cache_of_the_hub_is_read_as_the_hub_writes_it(fetched, tmp_path, monkeypatch):
    repository = tmp_path / "cache" / "models--owner--name"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text("0" * 40)
    (repository / "snapshots" / ("0" * 40)).mkdir(parents=True)
    assert local_folder("owner/name", "model") == repository / "snapshots" / ("0" * 40)
    assert local_folder("owner/name", "data") is None


def test_a_path_is_no_hub_name_and_the_message_says_where_it_looked(fetched, tmp_path):
    missing = tmp_path / "checkpoints" / "mine"
    assert local_folder(missing, "model") is None
    assert local_folder("../checkpoints/mine", "model") is None
    assert str(missing) in places(missing)
    assert str(fetched) in places("owner/name")
