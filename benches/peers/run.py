#!/usr/bin/env python3
"""Measures chancery and other tools on the same tasks, one after another, and writes the table and chart of docs/performance.md.

    benches/peers/run.py [--records N] [--runs N] [--write] [PROGRAM]

Data comes from the generator in CHANCERY_SHARED (default ../shared). A tool that is not installed is marked as absent. Each
figure is of the whole process: for wall-clock and CPU seconds (user and system, children included) the median of the runs
after a first one, for memory the highest. Tools are looked for in the directories in PEERS, in target/tools and on PATH.
"""

import argparse
import itertools
import json
import os
import pathlib
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
MARK = "<!-- figures: benches/peers/run.py --write -->"


def find(name):
    """The program of that name, or None."""
    places = [pathlib.Path(place) for place in os.environ.get("PEERS", "").split(os.pathsep) if place]
    places += [ROOT / "target/tools/bin", ROOT / "target/tools/node_modules/.bin"]
    for place in places:
        if (place / name).exists():
            return str(place / name)
    return shutil.which(name)


def python(module, code):
    """A command that runs `code` with a Python that has `module`, or None."""
    candidates = [os.path.join(place, "python") for place in os.environ.get("PEERS", "").split(os.pathsep) if place]
    for candidate in [*candidates, str(ROOT / "target/tools/bin/python"), sys.executable]:
        if os.path.exists(candidate) and subprocess.run([candidate, "-c", f"import {module}"], capture_output=True).returncode == 0:
            return [candidate, "-c", code]
    return None


def work(program, folder):
    """Rows of the table: (work, tool, what is lost, command or None where the tool is absent)."""
    one = lambda name, *words: [found, *words] if (found := find(name)) else None
    schema, array = f"{folder}/schema.json", f"{folder}/schema_array.json"
    own = [program]
    quiet = ["-q", "--no-progress", "--schema", schema]
    check = [program, "check", "--no-cache", *quiet]
    rows = []

    def row(task, tool, command, remark=""):
        rows.append((task, tool, command, remark))

    task = "check NDJSON"
    row(task, "chancery", check + [f"{folder}/records.ndjson"], "all faults located")
    row(task, "chancery -j 1", check + [f"{folder}/records.ndjson", "-j", "1"], "all faults located")
    row(task, "sourcemeta", one("jsonschema", "validate", "--continue", schema, f"{folder}/records.jsonl"), "no column")
    task = "check a JSON array"
    row(task, "chancery", check + [f"{folder}/records.json"], "all faults located")
    row(task, "ajv-cli", one("ajv", "validate", "--spec=draft2020", "-c", "ajv-formats", "--all-errors", "-s", array, "-d", f"{folder}/records.json"), "no location")
    row(task, "jsonschema-cli", one("jsonschema-cli", "validate", array, "-i", f"{folder}/records.json"), "no location")
    row(task, "boon", one("boon", array, f"{folder}/records.json"), "no location")
    row(task, "check-jsonschema", one("check-jsonschema", "--schemafile", array, f"{folder}/few.json"), "no location; 2,000 records only")
    task = "check other formats"
    row(task, "chancery, wide CSV", check + [f"{folder}/records.csv"], "all faults located")
    row(task, "chancery, XML", check + [f"{folder}/records.xml"], "all faults located")
    task = "check 5,000 small files"
    row(task, "chancery", check + [f"{folder}/small"], "all faults located")
    row(task, "chancery, second run", [program, "check", *quiet, f"{folder}/small"], "nothing has changed")
    row(task, "sourcemeta", one("jsonschema", "validate", schema, f"{folder}/small"), "no column")
    row(task, "check-jsonschema", one("sh", "-c", f"{find('check-jsonschema')} --schemafile {schema} {folder}/small/*.json") if find("check-jsonschema") else None, "no location")
    task = "check 5,000 profiles"
    profiles = [program, "check", "-q", "--no-progress", f"{folder}/profiles"]
    row(task, "chancery", [*profiles, "--no-cache"], "all faults located")
    row(task, "chancery, second run", profiles, "nothing has changed")
    row(task, "chancery, second run", ["sh", "-c", f"echo >>{folder}/profiles/0042.json; exec {shlex.join(profiles)}"], "one file has changed")
    task = "check 100 files of 1.7 MB"
    again = [program, "check", *quiet, f"{folder}/parts"]
    row(task, "chancery", check + [f"{folder}/parts"], "all faults located")
    row(task, "chancery, second run", again, "nothing has changed")
    row(task, "chancery, second run", ["sh", "-c", f"echo >>{folder}/parts/00.ndjson; exec {shlex.join(again)}"], "one file has changed")
    task = "check one small file"
    row(task, "chancery", check + [f"{folder}/one.json"], "all faults located")
    row(task, "chancery, second run", [program, "check", *quiet, f"{folder}/one.json"], "nothing has changed")
    row(task, "ajv-cli", one("ajv", "validate", "--spec=draft2020", "-c", "ajv-formats", "-s", schema, "-d", f"{folder}/one.json"), "no location")
    row(task, "jsonschema-cli", one("jsonschema-cli", "validate", schema, "-i", f"{folder}/one.json"), "no location")
    row(task, "boon", one("boon", schema, f"{folder}/one.json"), "no location")
    task = "convert NDJSON to NDJSON"
    keep = ["--on-invalid", "keep"]
    row(task, "chancery", own + ["convert", f"{folder}/records.ndjson", "--to", "ndjson", "-o", "out.ndjson", *keep, *quiet], "nothing lost")
    row(task, "DuckDB", python("duckdb", f"import duckdb; duckdb.sql(\"set threads=2; copy (select * from read_ndjson('{folder}/records.ndjson')) to 'out.ndjson' (format json)\")"), "null, [] and numbers changed")
    row(task, "jq", one("jq", "-c", ".", f"{folder}/records.ndjson"), "numbers changed")
    task = "convert NDJSON to CSV"
    row(task, "chancery, package", own + ["convert", f"{folder}/records.ndjson", "--to", "csv", "-o", "tables/", *keep, *quiet], "nothing lost")
    row(task, "DuckDB", python("duckdb", f"import duckdb; duckdb.sql(\"set threads=2; copy (select * from read_ndjson('{folder}/records.ndjson')) to 'out.csv'\")"), "nested parts as text")
    row(task, "Miller", one("mlr", "--ijsonl", "--ocsv", "unsparsify", f"{folder}/records.ndjson"), "null, \"\" and missing become one")
    row(task, "flatten-tool", one("flatten-tool", "flatten", "-f", "csv", "--main-sheet-name", "main", "-o", "flat", f"{folder}/few.json"), "types lost; 2,000 records only")
    task = "convert NDJSON to XML"
    row(task, "chancery", own + ["convert", f"{folder}/records.ndjson", "--to", "xml", "-o", "out.xml", *keep, *quiet], "nothing lost")
    code = f"import json, xmltodict; json_lines = [json.loads(line) for line in open('{folder}/records.ndjson')][:10000]; open('out.xml', 'w').write(xmltodict.unparse({{'list': {{'record': json_lines}}}}))"
    row(task, "xmltodict", python("xmltodict", code), "types lost; 10,000 records only")
    return rows


def measure(command, runs, folder, before=lambda: None, ends=(0, 1, 2)):
    """Wall-clock and CPU seconds (medians) and the highest memory in MiB; `before` makes each run's start the same.

    None where the command ends otherwise than with one of `ends`. What takes a moment is run ten times as often.
    """
    # A process begins with the memory of the one that starts it, so a small one stands between where there is one.
    peak = f"{folder}/peak"
    between = ["/usr/bin/time", "-q", "-f", "%M", "-o", peak] if os.path.exists("/usr/bin/time") else []
    walls, cpus, memory = [], [], 0
    while len(walls) < (runs if not walls or walls[0] > 0.1 else 10 * runs):
        before()
        start = time.monotonic()
        process = subprocess.Popen(between + command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        if os.waitstatus_to_exitcode(status) not in ends:
            return None
        walls.append(time.monotonic() - start)
        cpus.append(usage.ru_utime + usage.ru_stime)
        memory = max(memory, int(pathlib.Path(peak).read_text()) if between else usage.ru_maxrss)
    return statistics.median(walls), statistics.median(cpus), memory / 1024


def fine(task, tool):
    """How a command may end: what checks, or keeps records with faults, ends with 1 or 2 where there are some."""
    return (0, 1, 2) if task.startswith("check") or tool.startswith("chancery") else (0,)


def shared():
    """The folder with the generator and a full profile."""
    return pathlib.Path(os.environ.get("CHANCERY_SHARED", ROOT / "../shared")).resolve()


def generate(records):
    """A folder with the generated records."""
    generator = shared() / "bench/gen.py"
    if not generator.exists():
        sys.exit(f"the generator {generator} is absent; CHANCERY_SHARED names the folder that holds bench/gen.py")
    folder = tempfile.mkdtemp(prefix="chancery-peers-")
    subprocess.run([sys.executable, generator, folder, str(records)], check=True, stdout=subprocess.DEVNULL)
    return folder


def prepare(program, records):
    folder = generate(records)
    os.link(f"{folder}/records.ndjson", f"{folder}/records.jsonl")
    os.mkdir(f"{folder}/tables")
    with open(f"{folder}/records.ndjson", encoding="utf-8") as lines, open(f"{folder}/few.json", "w", encoding="utf-8") as few:
        few.write("[" + ",\n".join(line.rstrip("\n") for _, line in zip(range(2000), lines)) + "]\n")
    os.mkdir(f"{folder}/small")
    with open(f"{folder}/valid.ndjson", encoding="utf-8") as lines:
        for number, line in zip(range(5000), lines):
            pathlib.Path(f"{folder}/small/{number:04}.json").write_text(line, encoding="utf-8")
    # As a data repository has them: eleven kilobytes each, with everything a profile can hold.
    os.mkdir(f"{folder}/profiles")
    profile = json.loads((shared() / "design/dpko.json").read_text(encoding="utf-8"))
    for number in range(5000):
        text = json.dumps(profile | {"id": f"{profile['id']}-{number}"}, ensure_ascii=False, indent=2)
        pathlib.Path(f"{folder}/profiles/{number:04}.json").write_text(text + "\n", encoding="utf-8")
    os.mkdir(f"{folder}/parts")
    with open(f"{folder}/valid.ndjson", encoding="utf-8") as lines:
        for number in range(100):
            with open(f"{folder}/parts/{number:02}.ndjson", "w", encoding="utf-8") as part:
                part.writelines(itertools.islice(lines, records // 100))
    for target in ["csv", "xml"]:
        subprocess.run([program, "convert", f"{folder}/records.ndjson", "--schema", f"{folder}/schema.json", "--to", target,
                        "-o", f"{folder}/records.{target}", "--on-invalid", "keep", "-q"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    # What is yet to be written to the disk would slow down what is measured first.
    os.sync()
    return folder


def chart(figures):
    """CPU seconds as bars, a logarithmic scale, as SVG that follows the reader's colours."""
    import math
    # What was measured on a part of the data says so.
    part = lambda remark: f" for {remark.split('; ')[-1].removesuffix(' only')}" if remark.endswith(" only") else ""
    shown = [(task, tool, cpu, part(remark)) for task, tool, _, cpu, _, remark in figures if cpu is not None]
    low, high = 0.001, max(10.0, max(cpu for _, _, cpu, _ in shown))
    scale = lambda cpu: 380 * math.log(max(cpu, low) / low) / math.log(high / low)
    lines, y, before = [], 10, None
    for task, tool, cpu, of in shown:
        if task != before:
            y += 18
            lines.append(f'<text x="0" y="{y}" class="task">{task}</text>')
            y += 8
            before = task
        y += 18
        own = "own" if tool.startswith("chancery") else "peer"
        lines.append(f'<text x="160" y="{y}" text-anchor="end">{tool}</text><rect class="{own}" x="170" y="{y - 11}" width="{max(scale(cpu), 2):.0f}" height="14" rx="2"/>'
                     f'<text x="{176 + max(scale(cpu), 2):.0f}" y="{y}">{cpu:.3g} s{of}</text>')
    style = ("text{font:13px system-ui,sans-serif;fill:#1d2126}.task{font-weight:600}.own{fill:#22577a}.peer{fill:#b8b2a4}"
             "@media(prefers-color-scheme:dark){text{fill:#e7e5df}.own{fill:#8ec5e6}.peer{fill:#5b6470}}")
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 640 {y + 12}" role="img" aria-label="CPU seconds, logarithmic">'
            f"<style>{style}</style>\n" + "\n".join(lines) + "\n</svg>\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("program", nargs="?", default=str(ROOT / "target/dist/chancery"))
    parser.add_argument("--records", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--write", action="store_true", help="put table and chart into docs/")
    options = parser.parse_args()
    program = os.path.abspath(options.program)
    folder = prepare(program, options.records)
    size = os.path.getsize(f"{folder}/records.ndjson") / 1e6
    figures = []
    for task, tool, command, remark in work(program, folder):
        # The first run finds neither its data nor itself at hand.
        measured = command and measure(command, 1, folder, ends=fine(task, tool)) and measure(command, options.runs, folder, ends=fine(task, tool))
        figures.append((task, tool, *(measured or (None, None, None)), remark if measured else "failed" if command else "absent"))
        print(figures[-1], file=sys.stderr)
    table = [f"{options.records:,} records, {size:.0f} MB of NDJSON, 2 % with a fault; {os.cpu_count()} cores; median of {options.runs} runs.", "",
             "| work | tool | wall s | CPU s | peak MiB | remark |", "| --- | --- | ---: | ---: | ---: | --- |"]
    for task, tool, wall, cpu, memory, remark in figures:
        cells = ["", "", ""] if wall is None else [f"{wall:.3f}", f"{cpu:.3f}", f"{memory:.0f}"]
        table.append(f"| {task} | {tool} | {' | '.join(cells)} | {remark} |")
    text = "\n".join(table) + "\n"
    print(text)
    if options.write:
        page = ROOT / "docs/performance.md"
        parts = page.read_text(encoding="utf-8").split(MARK)
        page.write_text(f"{parts[0]}{MARK}\n{text}{MARK}{parts[2]}", encoding="utf-8")
        (ROOT / "docs/performance.svg").write_text(chart(figures), encoding="utf-8")
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
