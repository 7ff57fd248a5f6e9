# REQUIRED INPUTS: none.
# OUTPUTS: <results>/data/shards/...        Parquet shards of images with scene and questions
#          <results>/data/training/...      one dataset per train set, as ms-swift reads it
#          <results>/data/evaluation/...    one dataset per evaluation set
#          <results>/data/leaks.json        proof that no tested scene occurs in training
#          <results>/data/distributions.*   how answers, places and difficulty are distributed
# STEPS: draw and render (few jobs, many shards each), merge, compare train with test, describe.


rule data_synthesize_training:
    output:
        "<results>/data/shards/training/{source}/job-{job}.json",
    log:
        "logs/data_synthesize_training/{source}-{job}.log",
    benchmark:
        "benchmarks/runs/data_synthesize_training/{source}-{job}.tsv"
    threads: needs("synthesis").threads
    resources:
        mem_mb=memory_of("synthesis"),
        runtime=minutes_of("synthesis"),
    params:
        settings=lambda w: settings(TRAINING_SOURCES[w.source]),
        jobs=SYNTHESIS_JOBS,
        folder=f"{RESULTS}/data/shards/training/{{source}}",
    shell:
        "python -m sparkle synthesize --settings {params.settings:q} --job {wildcards.job}"
        " --jobs {params.jobs} --processes {threads} --output {params.folder:q} > {log:q} 2>&1"


rule data_synthesize_evaluation:
    output:
        "<results>/data/shards/evaluation/{evaluation_set}/job-000.json",
    log:
        "logs/data_synthesize_evaluation/{evaluation_set}.log",
    benchmark:
        "benchmarks/runs/data_synthesize_evaluation/{evaluation_set}.tsv"
    wildcard_constraints:
        evaluation_set=one_of(SYNTHETIC_SETS),
    threads: needs("synthesis").threads
    resources:
        mem_mb=memory_of("synthesis"),
        runtime=minutes_of("synthesis"),
    params:
        settings=lambda w: settings(EXPERIMENT.evaluation_source(w.evaluation_set)),
        folder=f"{RESULTS}/data/shards/evaluation/{{evaluation_set}}",
    shell:
        "python -m sparkle synthesize --settings {params.settings:q} --processes {threads}"
        " --output {params.folder:q} > {log:q} 2>&1"


rule data_read_benchmark:
    output:
        data="<results>/data/evaluation/{evaluation_set}.parquet",
        manifest="<results>/data/evaluation/{evaluation_set}.json",
    log:
        "logs/data_read_benchmark/{evaluation_set}.log",
    wildcard_constraints:
        evaluation_set=one_of(BENCHMARK_SETS),
    # Its files are checked before anything is trained: the leak check waits for it.
    priority: 20
    localrule: True
    params:
        settings=lambda w: settings(EXPERIMENT.benchmark(w.evaluation_set)),
    shell:
        "python -m sparkle read-benchmark --settings {params.settings:q}"
        " --output {output.data:q} > {log:q} 2>&1"


rule data_merge_training:
    input:
        lambda w: expand(
            "<results>/data/shards/training/{source}/job-{job:03d}.json",
            source=EXPERIMENT.sources_of(w.train_set),
            job=range(SYNTHESIS_JOBS),
        ),
    output:
        manifest="<results>/data/training/{train_set}/manifest.json",
        # A large train set has more parts; the manifest lists them all.
        data="<results>/data/training/{train_set}/data/part-00000.parquet",
        scenes="<results>/data/training/{train_set}/scenes.parquet",
        card="<results>/data/training/{train_set}/README.md",
    log:
        "logs/data_merge_training/{train_set}.log",
    localrule: True
    params:
        settings=lambda w: settings(EXPERIMENT.training_merge(w.train_set)),
        folder=f"{RESULTS}/data/training/{{train_set}}",
    shell:
        "python -m sparkle merge-training --settings {params.settings:q} --sources {input:q}"
        " --output {params.folder:q} > {log:q} 2>&1"


rule data_merge_evaluation:
    input:
        "<results>/data/shards/evaluation/{evaluation_set}/job-000.json",
    output:
        data="<results>/data/evaluation/{evaluation_set}.parquet",
        manifest="<results>/data/evaluation/{evaluation_set}.json",
        scenes="<results>/data/evaluation/scenes/{evaluation_set}.parquet",
        card="<results>/data/evaluation/{evaluation_set}.md",
    log:
        "logs/data_merge_evaluation/{evaluation_set}.log",
    wildcard_constraints:
        evaluation_set=one_of(SYNTHETIC_SETS),
    localrule: True
    shell:
        "python -m sparkle merge-evaluation --sources {input:q} --output {output.data:q}"
        " > {log:q} 2>&1"


rule data_check_leaks:
    input:
        training=expand(
            "<results>/data/training/{train_set}/manifest.json",
            train_set=EXPERIMENT.train_sets,
        ),
        evaluation=expand(
            "<results>/data/evaluation/{evaluation_set}.json",
            evaluation_set=EVALUATION_SETS,
        ),
    output:
        report(
            "<results>/data/leaks.json",
            category="Data",
            caption="captions/leaks.rst",
        ),
    log:
        "logs/data_check_leaks/all.log",
    localrule: True
    shell:
        "python -m sparkle check-leaks --training {input.training:q}"
        " --evaluation {input.evaluation:q} --output {output:q} > {log:q} 2>&1"


rule data_describe:
    input:
        training=expand(
            "<results>/data/training/{train_set}/manifest.json",
            train_set=EXPERIMENT.train_sets,
        ),
        evaluation=evaluation_files(),
    output:
        page=report(
            "<results>/data/distributions.html",
            category="Data",
            caption="captions/distributions.rst",
        ),
        numbers="<results>/data/distributions.json",
    log:
        "logs/data_describe/all.log",
    # Nothing waits for it: it gives way to all steps that others wait for.
    priority: -10
    localrule: True
    params:
        datasets=[f"{RESULTS}/data/training/{name}" for name in EXPERIMENT.train_sets]
        + [f"{RESULTS}/data/evaluation/{name}.parquet" for name in EVALUATION_SETS],
        title=f"Data of {EXPERIMENT.config.name}",
    shell:
        "python -m sparkle describe --datasets {params.datasets:q} --title {params.title:q}"
        " --output {output.page:q} > {log:q} 2>&1"
