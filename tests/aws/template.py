"""template.yaml as Python sees it, with CloudFormation's functions as values."""
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent.parent


class Tagged:
    """One of CloudFormation's functions, such as !Sub, and what it is given."""

    def __init__(self, tag, value):
        self.tag, self.value = tag, value

    def __repr__(self):
        return f"!{self.tag} {self.value}"


def load(path):
    loader = type("Loader", (yaml.SafeLoader,), {})

    def tagged(loader, suffix, node):
        if isinstance(node, yaml.ScalarNode):
            return Tagged(suffix, loader.construct_scalar(node))
        if isinstance(node, yaml.SequenceNode):
            return Tagged(suffix, loader.construct_sequence(node, deep=True))
        return Tagged(suffix, loader.construct_mapping(node, deep=True))

    loader.add_multi_constructor("!", tagged)
    return yaml.load(path.read_text(), loader)


TEMPLATE = load(ROOT / "template.yaml")
RESOURCES = TEMPLATE["Resources"]
