"""A study as a Workflow Run RO-Crate: workflow, config, inputs by digest, results, software,
licence and authors in one zip file, described so that machines can read it.

Profiles: Workflow Run Crate 0.5 (https://w3id.org/ro/wfrun/workflow/0.5) and those it builds on.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from ewc_lambda.errors import StudyError
from ewc_lambda.results.study_file import Study
from ewc_lambda.store.code import SCRIPTS
from ewc_lambda.store.records import file_digest, read_attributes
from ewc_lambda.store.replacing import replacing

PROFILES = {
    "https://w3id.org/ro/wfrun/process/0.5": ("Process Run Crate", "0.5"),
    "https://w3id.org/ro/wfrun/workflow/0.5": ("Workflow Run Crate", "0.5"),
    "https://w3id.org/workflowhub/workflow-ro-crate/1.0": ("Workflow RO-Crate", "1.0"),
}
# What the workflow reads and needs beside its own folder.
BESIDE = ("Snakefile", "config/config.yaml", "profiles/default/config.yaml", "constraints.txt")
LICENSES = "https://spdx.org/licenses/"
_KINDS = {
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".csv": "text/csv",
    ".html": "text/html",
    ".txt": "text/plain",
    ".yaml": "application/yaml",
    ".h5": "application/x-hdf5",
}


def pack_crate(study: str | Path, archive: str | Path) -> None:
    """Write a crate of a ``study.h5``, with the figures and tables beside it, into a zip file.

    Raises:
        StudyError: the study file is missing or damaged, or the workflow is not beside the library.

    """
    # Imported here: whoever packs no crate needs none of it.
    try:
        from rocrate.rocrate import ROCrate
    except ImportError:
        raise StudyError("--ro-crate needs the package rocrate. Run: pip install rocrate") from None

    study = Path(study)
    read, project = Study.read(study), SCRIPTS.parents[1]
    if not (project / "workflow/Snakefile").is_file():
        raise StudyError("the workflow is not beside the library; pack in the project's folder")
    with tempfile.TemporaryDirectory() as folder:
        crate = ROCrate(version="1.1")
        _head(crate, read, project)
        workflow = _workflow(crate, read, project, Path(folder))
        config = Path(folder, "config.yaml")
        config.write_text(yaml.safe_dump(read.config, sort_keys=True))
        given = [_file(crate, config, "config.yaml"), *_inputs(crate, study)]
        results = [_file(crate, path, str(path.relative_to(study.parent))) for path in _made(study)]
        ended = datetime.fromtimestamp(study.stat().st_mtime, UTC).isoformat(timespec="seconds")
        said = {"name": f"Run of the study {read.name}", "endTime": ended}
        action = crate.add_action(workflow, object=given, result=results, properties=said)
        action["agent"] = crate.root_dataset["author"]
        crate.root_dataset["mentions"] = action
        written = Path(folder, "crate.zip")
        crate.write_zip(written)
        with replacing(archive) as temporary:
            shutil.copyfile(written, temporary)


def _head(crate: Any, study: Study, project: Path) -> None:
    """What the crate is, whose, and under which licence."""
    from rocrate.model.contextentity import ContextEntity

    cited = yaml.safe_load((project / "CITATION.cff").read_text())
    root = crate.root_dataset
    crate.name = f"Study {study.name} of ewc-lambda"
    crate.description = (
        f"The best lambda of Elastic Weight Consolidation in the study {study.name}: "
        f"{len(study.trials)} trials, importance {', '.join(study.importances)}."
    )
    licence = f"{LICENSES}{cited['license']}"
    said = {"@type": "CreativeWork", "name": cited["license"]}
    root["license"] = crate.add(ContextEntity(crate, licence, properties=said))
    root["author"] = [crate.add(_author(crate, n, a)) for n, a in enumerate(cited["authors"])]
    profiles = []
    for url, (name, version) in PROFILES.items():
        about = {"@type": "CreativeWork", "name": name, "version": version}
        profiles.append(crate.add(ContextEntity(crate, url, properties=about)))
    root["conformsTo"] = profiles


def _author(crate: Any, number: int, author: Mapping[str, str]) -> Any:
    """An author of CITATION.cff: a person, or a body by one name."""
    from rocrate.model.contextentity import ContextEntity

    name = author.get("name") or f"{author['given-names']} {author['family-names']}"
    kind = "Organization" if "name" in author else "Person"
    identifier = author.get("orcid", f"#author-{number}")
    return ContextEntity(crate, identifier, properties={"@type": kind, "name": name})


def _workflow(crate: Any, study: Study, project: Path, folder: Path) -> Any:
    """The workflow as it is run, with the software that the study was computed with."""
    from rocrate.model.softwareapplication import SoftwareApplication

    leave = shutil.ignore_patterns("__pycache__", "*.egg-info")
    tree, snakefile = folder / "workflow", folder / "Snakefile"
    shutil.copytree(project / "workflow", tree, ignore=leave)
    (tree / "Snakefile").rename(snakefile)
    known = study.attributes.get("provenance", {})
    versions = dict(known.get("versions", {}))
    crate.add_directory(tree, "workflow", properties={"name": "rules and scripts"})
    for place in BESIDE:
        if (project / place).is_file():
            _file(crate, project / place, place)
    workflow = crate.add_workflow(
        snakefile,
        "workflow/Snakefile",
        main=True,
        lang="snakemake",
        properties={"name": "ewc-lambda", "version": str(known.get("revision", "unknown"))},
    )
    workflow["license"] = crate.root_dataset["license"]
    workflow["softwareRequirements"] = [
        crate.add(
            SoftwareApplication(
                crate,
                f"#{name}-{version}",
                properties={"name": name, "softwareVersion": str(version)},
            )
        )
        for name, version in versions.items()
    ]
    return workflow


def _inputs(crate: Any, study: Path) -> Iterator[Any]:
    """Files that the data were read from: named by their digests, and not in the crate. The record
    of the data beside the study file knows them.
    """
    from rocrate.model.contextentity import ContextEntity

    data = study.parent / "data.h5"
    read = read_attributes(data).get("sources", {}) if data.is_file() else {}
    for name, digest in read.items():
        said = {"@type": "CreativeWork", "name": name, "sha256": digest}
        yield crate.add(ContextEntity(crate, f"#sha256-{digest}", properties=said))


def _made(study: Path) -> Iterator[Path]:
    yield study
    for folder in ("figures", "tables"):
        yield from (p for p in sorted((study.parent / folder).glob("*")) if p.is_file())


def _file(crate: Any, path: Path, place: str) -> Any:
    said = {
        "name": place,
        "sha256": file_digest(path),
        "contentSize": str(path.stat().st_size),
        "encodingFormat": _KINDS.get(path.suffix, "application/octet-stream"),
    }
    return crate.add_file(path, place, properties=said)
