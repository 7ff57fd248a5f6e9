# REQUIRED INPUTS: the matrix, the scores, the evaluation sets, the loss curves.
# OUTPUTS: <results>/config.yaml      the config as it was used, with all defaults
#          <results>/figures/...      the figures, as SVG and PNG
#          <results>/tables/matrix.tex, breakdown.csv   for a paper; accuracy by difficulty, class
#          <results>/report.html      one self-contained page
# STEPS: write the config, draw, write the page.


rule report_config:
    output:
        "<results>/config.yaml",
    log:
        "logs/report_config/all.log",
    localrule: True
    params:
        # Resources and the store have no influence on results: another amount changes no report.
        settings=canonical_json(
            EXPERIMENT.config.model_dump(mode="json", exclude={"resources", "store"})
        ),
    shell:
        "python -m sparkle freeze-config --settings {params.settings:q} --output {output:q}"
        " > {log:q} 2>&1"


rule report_write:
    input:
        config="<results>/config.yaml",
        matrix="<results>/tables/matrix.csv",
        comparisons="<results>/tables/comparisons.csv",
        scores=expand(
            "<results>/scores/{row}/{evaluation_set}.parquet",
            row=ROWS,
            evaluation_set=EVALUATION_SETS,
        ),
        sets=evaluation_files(),
        curves=[
            f"<results>/models/{cell.folder}/training.csv"
            for cell in EXPERIMENT.trained_cells()
        ],
    output:
        report=report(
            "<results>/report.html",
            category="Report",
            caption="captions/report.rst",
        ),
        matrix_figure=report(
            "<results>/figures/matrix.svg",
            category="Results",
            subcategory="Figures",
            caption="captions/matrix_figure.rst",
        ),
        matrix_latex="<results>/tables/matrix.tex",
        breakdown="<results>/tables/breakdown.csv",
    log:
        "logs/report_write/all.log",
    localrule: True
    params:
        rows=ROWS,
        sets=EVALUATION_SETS,
        # For GPU hours; they are no part of the config that the report reads.
        gpus=[
            f"{step}={needs(step).gpus * needs(step).nodes}"
            for step in ("synthesis", "training", "inference")
        ],
    shell:
        "python -m sparkle report --results {RESULTS} --rows {params.rows}"
        " --evaluation-sets {params.sets} --config-file {input.config:q}"
        " --gpus {params.gpus} > {log:q} 2>&1"
