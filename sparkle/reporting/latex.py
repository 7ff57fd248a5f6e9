r"""The matrix as a LaTeX table with the rules of ``booktabs``, to be read by ``\input``."""

from __future__ import annotations

from sparkle.reporting.matrix import Matrix, Run, bounds

_SPECIAL = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_",
    "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "<": r"\textless{}", ">": r"\textgreater{}",
}  # fmt: skip


def escaped(text: str) -> str:
    """Text with all characters that LaTeX treats specially written out."""
    return "".join(_SPECIAL.get(char, char) for char in text)


def latex_matrix(matrix: Matrix) -> str:
    """Accuracy in per cent with intervals: a block of rows per model, the references last.

    The best run of each model and column is bold; a star marks a difference from the baseline
    that is significant after Holm's correction; what a run was trained on is underlined.
    """
    sets = matrix.evaluation_sets
    lines = [
        "% Needs \\usepackage{booktabs}.",
        f"\\begin{{tabular}}{{l{'c' * len(sets)}}}",
        "\\toprule",
        *_group_headings(matrix),
        " & ".join(["trained on", *map(escaped, sets)]) + r" \\",
    ]
    blocks = [(model, matrix.runs_of(model)) for model in matrix.models()]
    if matrix.references:
        blocks.append(("references", matrix.references))
    for name, runs in blocks:
        lines.append("\\midrule")
        lines.append(f"\\multicolumn{{{len(sets) + 1}}}{{l}}{{\\textbf{{{escaped(name)}}}}} \\\\")
        lines += [_row(matrix, run, runs) for run in runs]
    lines += ["\\bottomrule", "\\end{tabular}"]
    return "\n".join([*lines, *(f"% {note}" for note in _notes(matrix))]) + "\n"


def _group_headings(matrix: Matrix) -> list[str]:
    """The groups of columns over their names, each with a rule below."""
    cells, rules, column = [""], [], 2
    for group in dict.fromkeys(matrix.group(name) for name in matrix.evaluation_sets):
        span = sum(matrix.group(name) == group for name in matrix.evaluation_sets)
        cells.append(f"\\multicolumn{{{span}}}{{c}}{{{group}}}")
        rules.append(f"\\cmidrule(lr){{{column}-{column + span - 1}}}")
        column += span
    return [" & ".join(cells) + r" \\", " ".join(rules)]


def _row(matrix: Matrix, run: Run, runs: tuple[Run, ...]) -> str:
    cells = [f"\\quad {escaped(run.label)}"]
    for name in matrix.evaluation_sets:
        estimate = matrix.get(run, name)
        if estimate is None:
            cells.append("--")
            continue
        best = max(e.value for other in runs if (e := matrix.get(other, name)) is not None)
        text = f"{100 * estimate.value:.1f}"
        if estimate.value == best > 0 and run in matrix.runs:
            text = f"\\textbf{{{text}}}"
        if matrix.trains(run, name):
            text = f"\\underline{{{text}}}"
        if matrix.is_significant(run, name):
            text += "$^{*}$"
        low, high = bounds(estimate)
        cells.append(f"{text} {{\\scriptsize [{100 * low:.1f}, {100 * high:.1f}]}}")
    return " & ".join(cells) + r" \\"


def _notes(matrix: Matrix) -> list[str]:
    seeds = max(len(estimate.seeds) for estimate in matrix.estimates.values())
    spread = f" Mean over up to {seeds} seeds, whose values the interval holds." * (seeds > 1)
    stars = (
        " *: differs from the baseline, p < 0.05 after Holm's correction."
        if matrix.significance
        else ""
    )
    return [
        f"Accuracy in per cent, 95 % interval in brackets.{spread}{stars} Bold: best of its model."
        " Underlined: trained on that capability."
    ]
