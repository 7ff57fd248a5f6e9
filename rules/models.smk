# REQUIRED INPUTS: for `source: folder` the folder; for `source: hub` the network, on the machine
#   where Snakemake itself runs.
# OUTPUTS: <results>/models/{model}/base.json    where the base weights are, and their hash
#          <results>/models/{model}/base/        the weights, for embedded models
# STEPS: unpack the shipped weights, or build and pre-train the embedded model, or check a folder,
#   or download from a hub.


rule model_unpack:
    output:
        reference="<results>/models/{model}/base.json",
        weights=directory("<results>/models/{model}/base"),
    log:
        "logs/model_unpack/{model}.log",
    wildcard_constraints:
        model=one_of(SHIPPED),
    localrule: True
    params:
        settings=lambda w: settings(EXPERIMENT.pretraining(w.model)),
    shell:
        "python -m sparkle unpack-model --settings {params.settings:q} --model {wildcards.model}"
        " --output {output.weights:q} > {log:q} 2>&1"


rule model_pretrain:
    output:
        reference="<results>/models/{model}/base.json",
        weights=directory("<results>/models/{model}/base"),
    log:
        "logs/model_pretrain/{model}.log",
    benchmark:
        "benchmarks/runs/model_pretrain/{model}.tsv"
    wildcard_constraints:
        model=one_of(PRETRAINED),
    threads: needs("training").threads
    resources:
        mem_mb=memory_of("training"),
        runtime=minutes_of("training"),
    params:
        settings=lambda w: settings(EXPERIMENT.pretraining(w.model)),
    shell:
        "exec python -m sparkle pretrain --settings {params.settings:q} --output {output.weights:q}"
        " --work {RESULTS}/work/pretraining/{wildcards.model} --threads {threads} --log {log:q}"


rule model_locate:
    output:
        reference="<results>/models/{model}/base.json",
    log:
        "logs/model_locate/{model}.log",
    wildcard_constraints:
        model=one_of(LOCATED),
    localrule: True
    params:
        settings=lambda w: located_settings(w.model),
    shell:
        "python -m sparkle locate-model --settings {params.settings:q}"
        " --output {RESULTS}/models/{wildcards.model}/base > {log:q} 2>&1"
