"""Docstrings of a source file, and the files of an installed package."""

import gc

import pytest

from trainers.errors import TaskError
from trainers.tasks.embedded import installed
from trainers.tasks.embedded.extraction import docstrings, documents
from trainers.tasks.embedded.prose import Masking

SOURCE = b'''"""The module."""
from numpy import add_newdoc

def function():
    """The function."""
    def inner():
        """Left out."""

class Class:
    """The class."""

    async def method(self):
        """The method."""

    class Inner:
        """The inner class."""

if True:
    def conditional():
        """The conditional function."""

def without(): ...

add_newdoc("numpy", "abs", ("abs", """The attached docstring, the longest of the texts."""))
print("""An ordinary call, with a text that is longer than all of the docstrings.""")
'''


def test_every_docstring_is_found_with_its_kind():
    assert list(docstrings(SOURCE)) == [
        ("module", "The module."),
        ("function", "The function."),
        ("class", "The class."),
        ("method", "The method."),
        ("class", "The inner class."),
        ("function", "The conditional function."),
        ("other", "The attached docstring, the longest of the texts."),
    ]


@pytest.mark.parametrize("source", [b"def template({{name}}):", b"x = '\0'", b"\xff\xfe"])
def test_a_file_that_does_not_parse_has_none(source):
    assert list(docstrings(source)) == []


def test_tests_vendored_and_generated_files_are_not_read(install):
    own = ("__init__.py", "part/__init__.py", "part/inner.py", "contest.py")
    foreign = ("tests/test_it.py", "_vendor/six.py", "conftest.py", "message_pb2.py")
    install("alphapack", dict.fromkeys((*own, *foreign), ""))
    assert [name for name, _ in installed.modules("alphapack")] == [
        "alphapack",
        "alphapack.contest",
        "alphapack.part",
        "alphapack.part.inner",
    ]


def test_documents_keep_the_order_of_packages_and_files(install):
    install("betapack", {"b.py": '"""About the letter b."""', "a.py": '"""About the letter a."""'})
    install("alphapack", {"c.py": '"""About the letter c, of betapack."""'})
    found = documents(["betapack", "alphapack"], Masking(["betapack"]))
    assert [document.paragraphs[0] for document in found] == [
        "About the letter a.",
        "About the letter b.",
        "About the letter c, of package.",
    ]
    assert gc.isenabled()


def test_a_package_that_is_not_importable_by_this_name_is_refused(install):
    install("alphapack", {})
    with pytest.raises(TaskError, match="the name to import"):
        installed.digest("alphapack")


def test_a_package_without_a_record_is_refused(install, site):
    install("alphapack", {"a.py": ""})
    (site / "alphapack-1.0.dist-info" / "RECORD").unlink()
    with pytest.raises(TaskError, match="pip install --force-reinstall alphapack"):
        installed.digest("alphapack")
