"""A printed score as people write it: mean, spread, of what kind, and of how many runs."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from scipy.special import stdtrit

from stats.choices import SPREADS
from stats.errors import StatsError
from stats.inputs import check_choice
from stats.printed.scores import printed_number

#: Marks beside a figure that are no part of it.
MARKS = re.compile(r"\\(?:dagger|ddagger|ast|star|S|P)(?![a-zA-Z])|[*†‡§¶]")
#: Commands of LaTeX that say how what follows looks.
LOOKS = re.compile(
    r"\\(?:textbf|mathbf|textit|mathit|textrm|mathrm|text|emph|underline|boldsymbol|bm|bfseries|bf"
    r"|tiny|scriptsize|footnotesize|small|makecell|textcolor\{\w+\}|color\{\w+\})(?![a-zA-Z])"
)
BETWEEN = re.compile(r"±|\+/?-")
BRACKETED = re.compile(r"([^()\s]+)\s*\(\s*(?:±\s*)?([^()]*?)\s*\)")
HOW = 'it is of the form "62.13 ± 0.67, n=5", "62.13 (0.67), se, n=5" or "62.13 ± 0.67, ci95, n=5"'

#: What the kinds of spread are called in print.
CALLED = {
    "sd": r"sd|std|stdev|standard deviation",
    "se": r"se|sem|stderr|standard error",
    "ci95": r"ci95|95\s*%?\s*ci",
}
RUNS = re.compile(r"\bn\s*=\s*(?P<n>[^\s,;()]*)|\b(?P<of>\d+)\s*(?:seeds?|runs?)\b", re.IGNORECASE)


@dataclass(frozen=True)
class PrintedScore:
    """A score that was printed elsewhere.

    Attributes:
        mean: as printed.
        spread: as printed; "" where there is none.
        kind: what the spread is, one of `choices.SPREADS`.
        named: whether the text said so; "sd" is what is taken else.
        n: runs behind it; None where that is not printed.
    """

    mean: str
    spread: str
    kind: str
    named: bool
    n: int | None

    def __str__(self) -> str:
        spread = f" ± {self.spread} ({self.kind})" if self.spread else ""
        runs = "" if self.n is None else f" of {self.n} run{'s' * (self.n != 1)}"
        return f"{self.mean}{spread}{runs}"


def read_printed_score(text: str) -> PrintedScore:
    """A printed score with the number of runs and the kind of its spread, where these are named.

    Raises:
        StatsError: it is of another form.

    >>> str(read_printed_score(r"$62.13 \\pm 0.67$, n=5")), str(read_printed_score("62.13 (0.67)"))
    ('62.13 ± 0.67 (sd) of 5 runs', '62.13 ± 0.67 (sd)')
    """
    if not isinstance(text, str):
        raise StatsError(f"a printed score is text, not {text!r}; {HOW}")
    left, n, kind = plain(text), None, ""
    if found := RUNS.search(left):
        n = _whole(found["n"] if found["of"] is None else found["of"], text)
        left = left[: found.start()] + left[found.end() :]
    for name, spelled in CALLED.items():
        if word := re.search(rf"(?<![\w.])(?:{spelled})(?!\w)", left, re.IGNORECASE):
            kind = kind or name
            left = left[: word.start()] + left[word.end() :]
    left = re.sub(r"\([\s,;]*\)", "", left).strip(" ,;:")
    try:
        mean, spread = mean_and_spread(re.sub(r"[\s,;]+\)", ")", left))
        printed_number(mean)
        if spread and printed_number(spread)[0] < 0:
            raise StatsError(f"a spread is not negative, as {spread} is")
    except StatsError as error:
        raise StatsError(f'a printed score "{text}" cannot be read ({error}); {HOW}') from error
    return PrintedScore(mean, spread, kind or "sd", bool(kind), n)


def plain(text: str) -> str:
    """A printed figure without what it looks like: bold, mathematics, daggers, and footnotes.

    A number in a subscript, and whatever follows ± in one, is a spread.

    >>> plain(r"$\\mathbf{68.66}_{\\pm 1.28}^{\\dagger}$"), plain("**69.24 (1.20)**")
    ('68.66 ± 1.28', '69.24 (1.20)')
    >>> plain("62.1$_{0.3}$")
    '62.1 ± 0.3'
    """
    told = text.replace("\N{MINUS SIGN}", "-").replace("\N{NO-BREAK SPACE}", " ")
    told = re.sub(r"\\pm(?![a-zA-Z])", "±", re.sub(r"\\[,;:! ]|~", " ", told))
    told = LOOKS.sub("", MARKS.sub("", told)).replace("$", "").replace("\\%", "%")
    told = re.sub(r"[_^]\s*\{\s*\{*\s*±\s*([\d.]+)[\s}]*\}", r" ± \1", told)
    told = re.sub(r"_\s*\{\s*([\d.]+)\s*\}", r" ± \1", told)
    told = re.sub(r"\^\s*(\{[^{}]*\}|\w|)", "", told)
    return re.sub(r"\s+", " ", re.sub(r"[{}]|__", "", told)).strip()


def mean_and_spread(told: str) -> tuple[str, str]:
    """A mean and its spread, "" without one, of a figure from `plain`; both as they are printed.

    Raises:
        StatsError: it has another form, or digits in brackets that may be those of the last places.

    >>> mean_and_spread("62.13 ± 0.67"), mean_and_spread("62.13 (0.67)"), mean_and_spread("62.13")
    (('62.13', '0.67'), ('62.13', '0.67'), ('62.13', ''))
    """
    if bracketed := BRACKETED.fullmatch(told):
        mean, spread = bracketed[1], bracketed[2].strip()
        if "." in mean and "." not in spread and "±" not in told:
            raise StatsError(
                f'"{told}" may have its spread in units of the last digit; write it with its '
                "point, as in 62.13 (0.67)"
            )
        return mean, spread
    mean, *spreads = (part.strip() for part in BETWEEN.split(told))
    if not spreads:
        return mean, ""
    if len(spreads) > 1 or not mean or not spreads[0]:
        raise StatsError(f'"{told}" is not of the form 62.13 ± 0.67')
    return mean, spreads[0]


def sds_in(kind: str, n: int) -> float:
    """By how much a printed spread is multiplied to be an sd.

    1 for an sd; √n for the standard error of a mean of n runs; √n over the quantile of Student's t
    with n − 1 degrees of freedom for half of its 95 % interval.

    Args:
        kind: one of `choices.SPREADS`.
        n: runs, at least 2.

    Raises:
        InvalidSetting: an unknown kind.

    >>> [round(sds_in(kind, 5), 4) for kind in ("sd", "se", "ci95")]
    [1.0, 2.2361, 0.8054]
    """
    check_choice("spread", kind, SPREADS)
    if kind == "sd":
        return 1.0
    return math.sqrt(n) / (1.0 if kind == "se" else float(stdtrit(n - 1, 0.975)))


def _whole(text: str, whole: str) -> int:
    if not re.fullmatch(r"\d{1,9}", text) or int(text) < 1:
        raise StatsError(f'a printed score "{whole}": n is a whole number of runs, at least 1')
    return int(text)
