"""From docstrings to prose."""

import pytest

from trainers.tasks.embedded.prose import Masking, is_summary, paragraphs, plain

DOCSTRING = """Compute the :func:`~scipy.linalg.inv` of a matrix.

inv(a, overwrite=False)

.. versionadded:: 1.2

The matrix must be *square*, and ``a`` is overwritten on
request::

    a = inv(a)
    print("code is no prose")

.. math::

    x = A^{-1} b

Parameters
----------
a : array_like
    The matrix to be inverted.

.. note:: It is slow.

>>> inv([[2]])
0.5

```python
inv(a)
```
"""


def test_code_formulas_doctests_and_underlines_are_left_out():
    assert paragraphs(DOCSTRING) == [
        "Compute the scipy.linalg.inv of a matrix.",
        "The matrix must be square, and a is overwritten on request:",
        "Parameters a : array_like The matrix to be inverted.",
        "It is slow.",
    ]


@pytest.mark.parametrize(
    ("marked", "text"),
    [
        (":class:`.Axis` of an :py:meth:`Axes.plot <plot>`", "Axis of an Axes.plot"),
        ("see `the page <https://example.org>`_ or `.Figure`", "see the page or Figure"),
        ("a **bold** *word*\tand  space", "a bold word and space"),
        ("x*y stays, snake_case too", "x*y stays, snake_case too"),
        ("the ``ndarray``\\ s of {input}", "the ndarrays of"),
    ],
)
def test_markup_goes_and_the_words_stay(marked, text):
    assert plain(marked) == text


@pytest.mark.parametrize(
    ("text", "accepted"),
    [
        ("Return the largest value.", True),
        ("Return it.", False),
        ("Deprecated since the last version, use another.", False),
        ("Alias for the function above it.", False),
    ],
)
def test_a_summary_is_a_sentence_and_no_boilerplate(text, accepted):
    assert is_summary(text) == accepted


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("A NumPy array, by numpy.", "A package array, by package."),
        ("torch.nn.Linear or PyTorch's own", "package.Linear or package's own"),
        ("np.linalg.norm and plt, not snp or NP", "package.norm and package, not snp or NP"),
        ("is_torch_available, MlflowClient", "is_package_available, packageClient"),
        ("scikit-learn and Scikit Learn", "package and package"),
    ],
)
def test_names_and_aliases_are_masked(text, masked):
    packages = ("numpy", "torch", "matplotlib", "mlflow", "sklearn")
    assert Masking(packages).mask(text) == masked
