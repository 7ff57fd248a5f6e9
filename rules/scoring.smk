# REQUIRED INPUTS: predictions and evaluation sets.
# OUTPUTS: <results>/scores/{model}/{train_set}/seed{seed}/{evaluation_set}.parquet
#          <results>/tables/matrix.{csv,parquet,md}, comparisons.{csv,md}, seeds.csv
# STEPS: judge each answer by its task's parser and verifier; gather everything in one matrix.


rule scoring_score:
    input:
        predictions=all_predictions("{row}"),
        sets=evaluation_files(),
    output:
        [f"<results>/scores/{{row}}/{name}.parquet" for name in EVALUATION_SETS],
    log:
        "logs/scoring_score/{row}.log",
    wildcard_constraints:
        row=one_of(ROWS),
    localrule: True
    params:
        predictions=f"{RESULTS}/predictions/{{row}}",
        folder=f"{RESULTS}/scores/{{row}}",
    shell:
        "python -m sparkle score --predictions {params.predictions:q}"
        " --evaluation-sets {input.sets:q} --output {params.folder:q} > {log:q} 2>&1"


rule scoring_tables:
    input:
        expand(
            "<results>/scores/{row}/{evaluation_set}.parquet",
            row=ROWS,
            evaluation_set=EVALUATION_SETS,
        ),
    output:
        report(
            "<results>/tables/matrix.csv",
            category="Results",
            subcategory="Tables",
            caption="captions/matrix.rst",
        ),
        "<results>/tables/matrix.parquet",
        "<results>/tables/matrix.md",
        report(
            "<results>/tables/comparisons.csv",
            category="Results",
            subcategory="Tables",
            caption="captions/comparisons.rst",
        ),
        "<results>/tables/comparisons.md",
        report(
            "<results>/tables/seeds.csv",
            category="Results",
            subcategory="Tables",
            caption="captions/seeds.rst",
        ),
    log:
        "logs/scoring_tables/all.log",
    localrule: True
    params:
        rows=ROWS,
        sets=EVALUATION_SETS,
        baselines=[f"{v}={m}" for v, m in EXPERIMENT.baselines().items()],
    shell:
        "python -m sparkle tables --scores {RESULTS}/scores --rows {params.rows}"
        " --evaluation-sets {params.sets} --output {RESULTS}/tables"
        " --baselines {params.baselines} > {log:q} 2>&1"
