"""tuner export: hand the fused model on to Ollama, LM Studio, a GGUF file or Hugging Face, and prove that it arrived.

`hub` shows what would leave this machine, file by file; nothing does without --upload.
`proofs` shows what was proved of it, and when.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

from tui_tuner.commands.options import add_json, add_project, add_set, chosen_project
from tui_tuner.commands.output import Output
from tui_tuner.commands.running import exit_code, run_project_job
from tui_tuner.jobs import Work
from tui_tuner.journey import step
from tui_tuner.language import _
from tui_tuner.project import Project
from tui_tuner.step_work import gguf_work, hub_work, lm_studio_work, ollama_work

EXAMPLES = _("""examples:
  tuner export ollama
  tuner export ollama --replace --set ollama_quantize=q8_0
  tuner export ollama --set ollama_name=my-helper --set "ollama_parameters=temperature=0.2; num_ctx=4096"
  tuner export lm-studio
  tuner export lm-studio --set lm_studio=gguf
  tuner export gguf
  tuner export gguf --set gguf_type=f16
  tuner export hub --set repository=me/my-model
  tuner export hub --what adapter --set repository=me/my-adapter --upload
  tuner export proofs""")

# What each place a model can be handed on to has done.
WORKS: dict[str, Callable[[Project, argparse.Namespace], Work]] = {
    "ollama": lambda project, arguments: ollama_work(project, replace=arguments.replace),
    "lm-studio": lambda project, arguments: lm_studio_work(project, replace=arguments.replace),
    "gguf": lambda project, _arguments: gguf_work(project),
}


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    places = (*WORKS, "hub", "proofs")
    parser.add_argument("to", choices=places, help=_("where to; or what was proved so far"))
    parser.add_argument("--replace", action="store_true", help=_("replace an earlier model of that name"))
    parser.add_argument("--what", choices=("fused", "adapter", "gguf"), help=_("with hub: what would be uploaded"))
    parser.add_argument("--upload", action="store_true", help=_("with hub: really upload it"))
    add_project(parser)
    add_set(parser, "export")
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Hand on the chosen project's fused model."""
    project = chosen_project(arguments)
    output = Output(as_json=arguments.json)
    if arguments.to == "proofs":
        return _proofs(project, output)
    if arguments.to == "hub":
        return _hub(project, arguments, output)
    job = run_project_job(project, step("export").job, WORKS[arguments.to](project, arguments), output)
    if arguments.to == "gguf" and job.ended and job.ended.outcome == "done":
        _say_usage(project, output)
    return exit_code(job)


def _say_usage(project: Project, output: Output) -> None:
    from tui_tuner.export.gguf.of_project import gguf_folder, usage_of_gguf

    folder = gguf_folder(project)
    output.say(_("The GGUF file is in {folder}. Use it with:", folder=folder))
    for command in usage_of_gguf(folder):
        output.say(f"  {command}")


def _hub(project: Project, arguments: argparse.Namespace, output: Output) -> int:
    """Show what would leave this machine; send it only where that was asked for."""
    from tui_tuner.export.hub_files import plan_upload

    plan = plan_upload(project, arguments.what or project.choices.export.upload)
    for line in plan.in_words():
        output.say(line)
    if not arguments.upload:
        if output.as_json:
            output.event(plan.as_event())
        output.say(_("Nothing has been uploaded. To do it: the same command with --upload"))
        return 0
    return exit_code(run_project_job(project, _("uploading"), hub_work(plan), output, on_engine=False))


def _proofs(project: Project, output: Output) -> int:
    from tui_tuner.export.proof_rows import kept_proofs

    proofs = kept_proofs(project.fused_model)
    for proof in proofs:
        output.event(proof)
    if not proofs:
        output.say(_("Nothing is proved yet. Make the fused model with: tuner fuse"))
    return 0 if all(proof.passed for proof in proofs) else 1
