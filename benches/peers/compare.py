#!/usr/bin/env python3
"""Measures chancery and each other tool in turn on the same task, and writes the table of docs/comparison.md and docs/speed.svg.

    benches/peers/compare.py [--pairs N] [--write] [PROGRAM]

Each pair runs chancery and the other tool one after the other, so that both see the same load of the machine. Figures are CPU
seconds of the whole process (user and system, children included): medians, and the median, lowest and highest ratio of the pairs.
Tools are looked for as in run.py; a tool that is absent stays unknown.
"""

import argparse
import json
import os
import pathlib
import random
import shutil
import statistics
import subprocess
import sys

from run import ROOT, find, generate, python

PAGE = ROOT / "docs/comparison.md"
CHART = ROOT / "docs/speed.svg"
MARK = "<!-- figures: benches/peers/compare.py --write -->"
# Enough that starting a program does not decide, and few enough that the slowest tools end in seconds.
RECORDS, FEW, ROWS, FEWER = 20_000, 2_000, 200_000, 50_000


def flat(folder, rows, name):
    """A flat table of parts."""
    random.seed(rows)
    with open(f"{folder}/{name}.csv", "w", encoding="utf-8") as table:
        table.write("sku,count,colour,price,added\n")
        for number in range(rows):
            colour, count, cents = random.choice(["red", "green", "blue"]), random.randrange(1000), random.randrange(1, 99999)
            table.write(f"part-{number:07},{count},{colour},{cents / 100:.2f},2025-{number % 12 + 1:02}-{number % 28 + 1:02}\n")


def schemas(folder):
    """The schema of the parts as JSON Schema, as a Frictionless table schema and in LinkML."""
    colours = ["red", "green", "blue"]
    properties = {
        "sku": {"type": "string", "pattern": "^[a-z0-9-]+$"}, "count": {"type": "integer", "minimum": 0}, "colour": {"enum": colours},
        "price": {"type": "number", "exclusiveMinimum": 0}, "added": {"type": "string", "format": "date"},
    }
    part = {"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object", "required": list(properties),
            "additionalProperties": False, "properties": properties}
    fields = [
        {"name": "sku", "type": "string", "constraints": {"required": True, "pattern": "[a-z0-9-]+"}},
        {"name": "count", "type": "integer", "constraints": {"required": True, "minimum": 0}},
        {"name": "colour", "type": "string", "constraints": {"required": True, "enum": colours}},
        {"name": "price", "type": "number", "constraints": {"required": True, "minimum": 0.01}},
        {"name": "added", "type": "date", "constraints": {"required": True}},
    ]
    slot = lambda kind, **more: {"range": kind, "required": True, **more}
    linked = {"id": "https://example.org/parts", "name": "parts", "prefixes": {"linkml": "https://w3id.org/linkml/"}, "imports": ["linkml:types"],
              "default_range": "string", "enums": {"Colour": {"permissible_values": {colour: {} for colour in colours}}},
              "classes": {"Part": {"tree_root": True, "attributes": {
                  "sku": slot("string", pattern="^[a-z0-9-]+$"), "count": slot("integer", minimum_value=0), "colour": slot("Colour"),
                  "price": slot("float"), "added": slot("date")}}}}
    for name, schema in [("part.schema", part), ("table.schema", {"fields": fields}), ("linkml", linked)]:
        pathlib.Path(f"{folder}/{name}.{'yaml' if name == 'linkml' else 'json'}").write_text(json.dumps(schema), encoding="utf-8")


def prepare(program):
    folder = generate(RECORDS)
    os.link(f"{folder}/records.ndjson", f"{folder}/records.jsonl")
    os.link(f"{folder}/valid.ndjson", f"{folder}/valid.jsonl")
    with open(f"{folder}/records.ndjson", encoding="utf-8") as lines:
        few = [line.rstrip("\n") for _, line in zip(range(FEW), lines)]
    pathlib.Path(f"{folder}/few.json").write_text("[" + ",\n".join(few) + "]\n", encoding="utf-8")
    pathlib.Path(f"{folder}/few.ndjson").write_text("\n".join(few) + "\n", encoding="utf-8")
    for rows, name in [(ROWS, "parts"), (FEWER, "parts-fewer"), (FEW, "parts-few")]:
        flat(folder, rows, name)
    schemas(folder)
    subprocess.run([program, "convert", f"{folder}/parts.csv", "--schema", f"{folder}/part.schema.json", "--to", "ndjson", "-o", f"{folder}/parts.ndjson", "-q"],
                   check=True)
    os.mkdir(f"{folder}/out")
    os.sync()
    return folder


def tasks(program, folder):
    """(task, tool, what the other tool leaves out, command of chancery, command of the tool or None where it is absent)."""
    one = lambda name, *words: [found, *words] if (found := find(name)) else None
    duckdb = lambda sql: python("duckdb", f"import duckdb; duckdb.sql(\"set threads=2; {sql}\")")
    check = [program, "check", "--no-cache", "-q", "--no-progress", "--report", "plain", "--schema"]
    convert = [program, "convert", "-q", "--no-progress", "--on-invalid", "keep"]
    nested, array, part = f"{folder}/schema.json", f"{folder}/schema_array.json", f"{folder}/part.schema.json"
    lines = [*check, nested, f"{folder}/records.ndjson"]
    parts = [*check, part, f"{folder}/parts.csv"]
    to = lambda source, schema, target, out: [*convert, f"{folder}/{source}", "--schema", schema, "--to", target, "-o", f"{folder}/out/{out}"]
    return [
        ("check a JSON array", "ajv", "", [*check, nested, f"{folder}/records.json"],
         one("ajv", "validate", "--spec=draft2020", "-c", "ajv-formats", "--all-errors", "-s", array, "-d", f"{folder}/records.json")),
        ("check NDJSON", "sourcemeta", "", lines, one("jsonschema", "validate", "--continue", nested, f"{folder}/records.jsonl")),
        ("check NDJSON without faults", "sourcemeta, fast mode", "reports only whether it is valid", [*check, nested, f"{folder}/valid.ndjson"],
         one("jsonschema", "validate", "--fast", nested, f"{folder}/valid.jsonl")),
        (f"check a JSON array of {FEW:,} records", "check-jsonschema", "", [*check, nested, f"{folder}/few.json"],
         one("check-jsonschema", "--schemafile", array, f"{folder}/few.json")),
        ("check one small file", "sourcemeta", "", [*check, nested, f"{folder}/one.json"], one("jsonschema", "validate", nested, f"{folder}/one.json")),
        (f"check a flat CSV of {ROWS:,} rows", "qsv", "", parts, one("qsvlite", "validate", f"{folder}/parts.csv", part)),
        (f"check a flat CSV of {FEWER:,} rows", "frictionless", "", [*check, part, f"{folder}/parts-fewer.csv"],
         one("frictionless", "validate", "parts-fewer.csv", "--schema", "table.schema.json")),
        (f"check a flat CSV of {FEW:,} rows", "LinkML", "", [*check, part, f"{folder}/parts-few.csv"],
         one("linkml-validate", "-s", f"{folder}/linkml.yaml", "-C", "Part", f"{folder}/parts-few.csv")),
        ("flat CSV to NDJSON", "Miller", "checks nothing", to("parts.csv", part, "ndjson", "a.ndjson"),
         one("mlr", "--icsv", "--ojsonl", "cat", f"{folder}/parts.csv")),
        ("flat CSV to NDJSON", "DuckDB", "checks types only", to("parts.csv", part, "ndjson", "a.ndjson"),
         duckdb(f"copy (select * from read_csv('{folder}/parts.csv')) to '{folder}/out/b.ndjson' (format json)")),
        ("flat CSV to Parquet", "DuckDB", "checks types only",
         [program, "load", "-q", "--no-progress", "--no-cache", f"{folder}/parts.csv", "--schema", part, "--into", f"parquet:{folder}/out/lake"],
         duckdb(f"copy (select * from read_csv('{folder}/parts.csv')) to '{folder}/out/b.parquet'")),
        ("nested NDJSON to NDJSON", "DuckDB", "null, [] and long numbers change", to("records.ndjson", nested, "ndjson", "a.ndjson"),
         duckdb(f"copy (select * from read_ndjson('{folder}/records.ndjson')) to '{folder}/out/b.ndjson' (format json)")),
        (f"nested NDJSON to CSV tables, {FEW:,} records", "flatten-tool", "types are lost", to("few.ndjson", nested, "csv", "tables/"),
         one("flatten-tool", "flatten", "-f", "csv", "--main-sheet-name", "main", "-o", f"{folder}/out/flat", f"{folder}/few.json")),
    ]


def seconds(command, folder):
    """CPU seconds of one run, or None where it ends otherwise than a check does."""
    process = subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    return usage.ru_utime + usage.ru_stime if os.waitstatus_to_exitcode(status) in (0, 1, 2) else None


def compare(own, other, pairs, folder):
    """Medians of both, and the median, lowest and highest ratio; None where a run failed."""
    found = []
    for number in range(pairs + 1):
        for directory in ["tables", "flat", "lake"]:
            shutil.rmtree(f"{folder}/out/{directory}", ignore_errors=True)
        pair = seconds(own, folder), seconds(other, folder)
        if None in pair:
            return None
        # The first pair finds neither the data nor the programs in memory.
        if number:
            found.append(pair)
    ratios = [other / max(own, 0.001) for own, other in found]
    return (*(statistics.median(column) for column in zip(*found)), statistics.median(ratios), min(ratios), max(ratios))


def chart(figures):
    """CPU seconds of validators as bars, as SVG that follows the reader's colours; the smaller task is scaled to the larger."""
    tasks = {"check a JSON array": 1, "check NDJSON": 1, f"check a JSON array of {FEW:,} records": RECORDS // FEW}
    measured = [(tool, *result[:2], tasks[task]) for task, tool, _, result in figures if task in tasks and result]
    bars = [("chancery", max(own for _, own, _, scale in measured if scale == 1), 1)]
    bars += sorted(((tool, other * scale, scale) for tool, _, other, scale in measured), key=lambda bar: bar[1])
    longest = max(cpu for _, cpu, _ in bars)
    lines = []
    for number, (tool, cpu, scale) in enumerate(bars):
        y, width = 24 + 28 * number, max(360 * cpu / longest, 2)
        kind = "own" if tool == "chancery" else "peer"
        note = f" ({scale} × {FEW:,} records)" if scale > 1 else ""
        lines.append(f'<text x="150" y="{y}" text-anchor="end">{tool}</text><rect class="{kind}" x="158" y="{y - 13}" width="{width:.0f}" height="17" rx="2"/>'
                     f'<text x="{166 + width:.0f}" y="{y}">{cpu:.2g} s{note}</text>')
    style = ("text{font:14px system-ui,sans-serif;fill:#1d2126}.own{fill:#22577a}.peer{fill:#b8b2a4}"
             "@media(prefers-color-scheme:dark){text{fill:#e7e5df}.own{fill:#8ec5e6}.peer{fill:#5b6470}}")
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 780 {28 * len(bars) + 12}" role="img" aria-label="CPU seconds to validate {RECORDS:,} records">'
            f"<style>{style}</style>\n" + "\n".join(lines) + "\n</svg>\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("program", nargs="?", default=str(ROOT / "target/release/chancery"))
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--only", help="measure this tool alone")
    parser.add_argument("--write", action="store_true", help="write the table and the chart into docs/")
    options = parser.parse_args()
    program = os.path.abspath(options.program)
    folder = prepare(program)
    size = os.path.getsize(f"{folder}/records.ndjson") / 1e6
    figures = []
    for task, tool, remark, own, other in tasks(program, folder):
        if options.only and not tool.startswith(options.only):
            continue
        figures.append((task, tool, remark, other and compare(own, other, options.pairs, folder)))
        print(figures[-1], file=sys.stderr)
    text = [f"Medians of {options.pairs} pairs, in CPU seconds; {RECORDS:,} nested records ({size:.0f} MB of NDJSON), 2 % with a fault, and a flat",
            f"table of {ROWS:,} rows, unless the task says otherwise; {os.cpu_count()} cores. The ratio is that of the other tool to chancery:",
            "median (lowest to highest).", "", "| task | other tool | its CPU s | chancery's | ratio | remark |", "| --- | --- | ---: | ---: | ---: | --- |"]
    for task, tool, remark, result in figures:
        if result:
            own, other, ratio, low, high = result
            ratio, low, high = (f"{number:.2g}" if number < 10 else f"{number:.0f}" for number in [ratio, low, high])
            text.append(f"| {task} | {tool} | {other:.3f} | {own:.3f} | {ratio} ({low} to {high}) | {remark} |")
        else:
            text.append(f"| {task} | {tool} | | | unknown | not installed |")
    text = "\n".join(text) + "\n"
    print(text)
    if options.write and not options.only:
        parts = PAGE.read_text(encoding="utf-8").split(MARK)
        PAGE.write_text(f"{parts[0]}{MARK}\n{text}{MARK}{parts[2]}", encoding="utf-8")
        CHART.write_text(chart(figures), encoding="utf-8")
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
