# REQUIRED INPUTS: base weights, tuned weights (but for train set `none`), all evaluation sets.
# OUTPUTS: <results>/predictions/{model}/{train_set}/seed{seed}/{evaluation_set}.parquet
#          <results>/predictions/{model}/{train_set}/seed{seed}/times.json  seconds per question
# STEPS: ms-swift inference, one model load for all evaluation sets; the oracle and chance answer
#   the same questions. Answers are kept in <results>/work as they come.


def all_predictions(folder):
    return [
        f"<results>/predictions/{folder}/{name}.parquet" for name in EVALUATION_SETS
    ]


rule inference_base:
    input:
        base=lambda w: f"<results>/models/{EXPERIMENT.base_of(w.model)}/base.json",
        sets=evaluation_files(),
    output:
        all_predictions("{model}/none/seed0"),
        times="<results>/predictions/{model}/none/seed0/times.json",
    log:
        "logs/inference_base/{model}.log",
    benchmark:
        "benchmarks/runs/inference_base/{model}.tsv"
    wildcard_constraints:
        model=one_of(m for m in EXPERIMENT.models if m not in ENDPOINTS),
    threads: needs("inference").threads
    resources:
        **gpus_of("inference"),
        mem_mb=memory_of("inference"),
        runtime=minutes_of("inference"),
    params:
        settings=lambda w: settings(EXPERIMENT.inference(w.model)),
        gpus=needs("inference").gpus,
        folder=f"{RESULTS}/predictions/{{model}}/none/seed0",
    shell:
        "exec python -m sparkle infer --settings {params.settings:q} --base {input.base:q}"
        " --evaluation-sets {input.sets:q} --output {params.folder:q}"
        " --work {RESULTS}/work --threads {threads} --gpus {params.gpus} --log {log:q}"


rule inference_tuned:
    input:
        base="<results>/models/{model}/base.json",
        weights="<results>/models/{model}/{train_set}/seed{seed}/weights",
        sets=evaluation_files(),
    output:
        all_predictions("{model}/{train_set}/seed{seed}"),
        times="<results>/predictions/{model}/{train_set}/seed{seed}/times.json",
    log:
        "logs/inference_tuned/{model}-{train_set}-{seed}.log",
    benchmark:
        "benchmarks/runs/inference_tuned/{model}-{train_set}-{seed}.tsv"
    threads: needs("inference").threads
    resources:
        **gpus_of("inference"),
        mem_mb=memory_of("inference"),
        runtime=minutes_of("inference"),
    params:
        settings=lambda w: settings(EXPERIMENT.inference(w.model)),
        gpus=needs("inference").gpus,
        tuned=f"{RESULTS}/models/{{model}}/{{train_set}}/seed{{seed}}",
        folder=f"{RESULTS}/predictions/{{model}}/{{train_set}}/seed{{seed}}",
    shell:
        "exec python -m sparkle infer --settings {params.settings:q} --base {input.base:q}"
        " --tuned {params.tuned:q} --evaluation-sets {input.sets:q}"
        " --output {params.folder:q} --work {RESULTS}/work --threads {threads}"
        " --gpus {params.gpus} --log {log:q}"


rule inference_endpoint:
    input:
        sets=evaluation_files(),
    output:
        all_predictions("{model}/none/seed0"),
        times="<results>/predictions/{model}/none/seed0/times.json",
        usage="<results>/predictions/{model}/none/seed0/usage.json",
    log:
        "logs/inference_endpoint/{model}.log",
    wildcard_constraints:
        model=one_of(ENDPOINTS),
    # It waits for a server most of the time, and needs the network of this machine.
    localrule: True
    # Limits of speed and cost come as a resource, not in params: another limit asks nothing anew.
    resources:
        endpoint=lambda w: canonical_json(
            EXPERIMENT.endpoint(w.model)[0].model_dump(mode="json")
        ),
    params:
        settings=lambda w: settings(EXPERIMENT.endpoint(w.model)[1]),
        folder=f"{RESULTS}/predictions/{{model}}/none/seed0",
    shell:
        "python -m sparkle ask-endpoint --settings {params.settings:q}"
        " --endpoint {resources.endpoint:q} --evaluation-sets {input.sets:q} --output {params.folder:q}"
        " --work {RESULTS}/work --log {log:q}"


rule inference_reference:
    input:
        sets=evaluation_files(),
    output:
        all_predictions("{reference}/none/seed0"),
    log:
        "logs/inference_reference/{reference}.log",
    wildcard_constraints:
        reference=one_of(REFERENCES),
    localrule: True
    params:
        folder=f"{RESULTS}/predictions/{{reference}}/none/seed0",
    shell:
        "python -m sparkle reference --name {wildcards.reference}"
        " --evaluation-sets {input.sets:q} --output {params.folder:q} > {log:q} 2>&1"
