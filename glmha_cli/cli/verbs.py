"""The verbs beside the tasks: a new one is its module and an entry here; each is imported only when it is used."""

from glmha_cli.cli import options
from glmha_cli.cli.entry import Verb
from glmha_cli.cli.groups import MODELS_VERBS, RECIPES_VERBS, RECORD_VERBS

VERBS = {
    "compare": Verb(
        run="glmha_cli.cli.compare:compare",
        options=options.CompareOptions,
        panel="Restore",
        summary="Compare two photos, with the ground truth if there is one, as a page or as one picture.",
        examples=(
            "glmha compare rainy.png clean.png -o compare.html",
            "glmha compare a.png b.png truth.png -o compare.png",
        ),
    ),
    "convert": Verb(
        run="glmha_cli.cli.convert:convert",
        options=options.ConvertOptions,
        panel="Cubes",
        summary="Write a cube in another format.",
        examples=("glmha convert cube.mat cube.hdr", "glmha convert cube.tif cube.mat --mat-version 7.3"),
    ),
    "preview": Verb(
        run="glmha_cli.cli.preview:preview",
        options=options.PreviewOptions,
        panel="Cubes",
        summary="Show a cube as a photo: the colours an observer sees, or three bands.",
        examples=(
            "glmha preview cube.tif preview.png",
            "glmha preview cube.tif bands.png --bands 25,15,5",
            "glmha preview cube.tif - > preview.png",
        ),
    ),
    "spectrum": Verb(
        run="glmha_cli.cli.spectrum:spectrum",
        options=options.SpectrumOptions,
        panel="Cubes",
        summary="Print or plot the spectra of pixels.",
        examples=(
            "glmha spectrum cube.tif --at 120,80 --at 10,10 --plot spectra.png",
            "glmha spectrum cube.tif --at 120,80 --csv",
        ),
    ),
    "view": Verb(
        run="glmha_cli.cli.view:view",
        options=options.ViewOptions,
        panel="Cubes",
        summary="Look into cubes in a browser: colours, bands, spectra of pixels and regions.",
        examples=(
            "glmha view cube.tif",
            "glmha view cube.mat truth.mat -o compare.html",
            "glmha view large.hdr --serve",
        ),
    ),
    "record": Verb(
        run="glmha_cli.cli.records:alone",
        options=options.ReportOptions,
        panel="Restore",
        summary="Sum up, merge and convert the records of runs; list what failed.",
        examples=("glmha record summary run.jsonl",),
        verbs=RECORD_VERBS,
    ),
    "models": Verb(
        run="glmha_cli.cli.models:list_models",
        options=options.ReportOptions,
        summary="List, fetch, verify, import and publish models.",
        examples=("glmha models",),
        verbs=MODELS_VERBS,
    ),
    "info": Verb(
        run="glmha_cli.cli.info:info",
        options=options.InfoOptions,
        summary="Show a model: network, costs, training, licence, measured quality.",
        examples=("glmha info derain-lite", "glmha info my.safetensors --json"),
    ),
    "doctor": Verb(
        run="glmha_cli.cli.doctor:doctor",
        options=options.ReportOptions,
        summary="Say what this machine has, and what to install for what it lacks.",
        examples=("glmha doctor", "glmha doctor --json"),
    ),
    "man": Verb(
        run="glmha_cli.cli.man:man",
        options=options.NoOptions,
        summary="Print the manual page of glmha.",
        examples=("glmha man | man -l -", "glmha man > ~/.local/share/man/man1/glmha.1"),
    ),
    "export": Verb(
        run="glmha_cli.cli.export:export",
        options=options.ExportOptions,
        summary="Write a model as ONNX, checked against the network.",
        examples=("glmha export derain-lite derain.onnx", "glmha derain in.png out.png --model derain.onnx"),
    ),
    "degrade": Verb(
        run="glmha_cli.cli.degrade:degrade_verb",
        options=options.DegradeOptions,
        summary="Degrade a photo as training or validation does, to test a model or to look at the result.",
        examples=(
            "glmha degrade rain photo.jpg rainy.png --seed 3",
            "glmha degrade blur photo.jpg gallery.png --gallery 8",
        ),
    ),
    "train": Verb(
        run="glmha_cli.cli.train:train_verb",
        options=options.TrainOptions,
        summary="Train a model from a recipe on a folder of clean photos.",
        examples=(
            "glmha train derain-lite --images photos/ --max-minutes 60",
            "glmha train derain-lite --images photos/ --resume",
            "glmha train derain-lite --images photos/ --attention csa --seed 2 --run-dir runs/csa",
        ),
    ),
    "enhance": Verb(
        run="glmha_cli.cli.enhance:enhance_verb",
        options=options.EnhanceOptions,
        summary="Make a cheaper model with GLMHA of a trained one with channel attention, in minutes.",
        examples=(
            "glmha enhance csa.safetensors glmha.safetensors --images photos/ --max-minutes 15",
            "glmha enhance deraining.pth ours.safetensors --task derain --images photos/ --budget 130",
            "glmha enhance csa.safetensors out.safetensors --images photos/ --steps init --levels level1,level2",
        ),
    ),
    "recipes": Verb(
        run="glmha_cli.cli.recipes:list_recipes",
        options=options.ReportOptions,
        summary="List, show and copy training recipes.",
        examples=("glmha recipes",),
        verbs=RECIPES_VERBS,
    ),
    "eval": Verb(
        run="glmha_cli.cli.eval:evaluate",
        options=options.EvalOptions,
        summary="Measure the quality of a model, or of existing results, by a published protocol.",
        examples=(
            "glmha eval derain --pairs Rain100H/ --csv scores.csv",
            "glmha eval deblur --results sharp/ --targets GoPro/sharp/ --protocol gopro",
        ),
    ),
    "bench": Verb(
        run="glmha_cli.cli.bench:bench",
        options=options.BenchOptions,
        summary="Measure how fast models run on this machine, and how close that is to its peak.",
        examples=("glmha bench", "glmha bench derain-lite --size 256 --repeat 9 --json"),
    ),
    "analyze": Verb(
        run="glmha_cli.cli.analyze:analyze",
        options=options.AnalyzeOptions,
        summary="Measure the rank of a model's attention, level by level.",
        examples=("glmha analyze derain-lite rainy1.png rainy2.png --plot rank.png --csv rank.csv",),
    ),
    "profile": Verb(
        run="glmha_cli.cli.profile:profile",
        options=options.ProfileOptions,
        summary="Count parameters and multiply-adds, by convention and level.",
        examples=(
            "glmha profile derain-lite --size 512x512",
            "glmha profile restormer --attention glmha --reduction 0.75",
            "glmha profile mst_plus_plus --attention glmha --levels level1,level2 --json",
        ),
    ),
}
