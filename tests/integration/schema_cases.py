"""Holds `orc schema` against orc itself: what orc accepts its schema accepts, and a value of another kind both refuse.

    schema_cases.py ORC FILE... -- FILE...

Takes files that orc accepts and asks both; of those before the -- also with other values in place of each of theirs,
one at a time. Prints what they disagree on; ends with 1 when there is any.
"""
import copy
import json
import os
import re
import subprocess
import sys

import jsonschema
import yaml

OTHERS = [True, -1, "text", "10s", ["a"], {}, {"unknown_key": 1}]
# How orc says that a value is of another kind, which a schema can see, too.
KIND = re.compile(r"but this is|must be true or false|unknown key|is not accepted|has no meaning in")


class Core(yaml.SafeLoader):
    """YAML 1.2's core schema, as far as files here need it: 0440 and 12:30 are no numbers, and yes is no boolean."""

    yaml_implicit_resolvers = {}


for tag, pattern, first in [
    ("null", r"~|null|", ["~", "n", ""]),
    ("bool", r"true|false", list("tf")),
    ("int", r"-?(0|[1-9][0-9]*)", list("-0123456789")),
    ("float", r"-?[0-9]+\.[0-9]+", list("-0123456789")),
    ("merge", r"<<", ["<"]),
]:
    Core.add_implicit_resolver("tag:yaml.org,2002:" + tag, re.compile("^(%s)$" % pattern), first)


def places(node, path=()):
    """The path of each value in a document; of a long list, of its first elements."""
    if path:
        yield path
    below = node.items() if isinstance(node, dict) else enumerate(node[:4]) if isinstance(node, list) else ()
    for key, value in below:
        yield from places(value, path + (key,))


def replaced(document, path, value):
    document = copy.deepcopy(document)
    at = document
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = value
    return document


class Both:
    def __init__(self, orc):
        self.orc = orc
        schema = json.loads(subprocess.run([orc, "schema"], check=True, capture_output=True).stdout)
        jsonschema.Draft7Validator.check_schema(schema)
        self.validator = jsonschema.Draft7Validator(schema)
        self.asked = self.accepted = self.wrong = 0

    def ask(self, folder, document, about):
        """Whether both accept the document; its files are those of the folder."""
        path = os.path.join(folder, "case.yaml")
        with open(path, "w", encoding="utf-8") as f:
            json.dump(document, f)
        run = subprocess.run([self.orc, "config", "-q", path], capture_output=True, text=True, check=False)
        accepts = self.validator.is_valid(document)
        self.asked += 1
        if run.returncode not in (0, 2):
            self.say(about, "orc ended with %d" % run.returncode)
        elif run.returncode == 0 and not accepts:
            self.say(about, "orc accepts what its schema refuses: " + self.error(document))
        elif run.returncode and accepts and KIND.search(run.stderr):
            self.say(about, "the schema accepts what orc refuses: " + run.stderr.splitlines()[0])
        elif run.returncode == 0:
            self.accepted += 1
            return True
        return False

    def error(self, document):
        worst = jsonschema.exceptions.best_match(self.validator.iter_errors(document))
        return "%s: %s" % ("/".join(map(str, worst.absolute_path)), worst.message[:200])

    def say(self, about, text):
        self.wrong += 1
        print("%s: %s" % (about, text))

    def file(self, path, others):
        folder = os.path.dirname(path)
        with open(path, encoding="utf-8") as f:
            document = yaml.load(f, Core)
        if not self.ask(folder, document, path):
            self.say(path, "it must be one that orc accepts")
        for place in places(document) if others else ():
            for value in OTHERS:
                about = "%s: %s = %s" % (os.path.basename(path), "/".join(map(str, place)), json.dumps(value))
                self.ask(folder, replaced(document, place, value), about)


both = Both(sys.argv[1])
end = sys.argv.index("--")
for name in sys.argv[2:end]:
    both.file(name, True)
for name in sys.argv[end + 1 :]:
    both.file(name, False)
print("%d files, %d of them accepted by both, %d differences" % (both.asked, both.accepted, both.wrong))
sys.exit(both.wrong != 0)
