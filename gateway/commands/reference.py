"""For those who write documentation: the pages that are generated from the code."""

from __future__ import annotations

from pathlib import Path

import rich_click as click


@click.command(hidden=True)
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False, exists=True))
@click.pass_context
def reference(context: click.Context, folder: Path) -> None:
    """Write the generated pages into FOLDER, which is docs/reference of a checkout."""
    for name, text in pages(context.find_root().command).items():
        (folder / name).write_text(text, encoding="utf-8")
        click.echo(f"wrote {folder / name}")


def pages(root: click.Command) -> dict[str, str]:
    """Return all generated pages by file name; ``root`` is the top of the command tree.

    Imports are here because the pages describe modules that no other command needs.
    """
    from gateway.commands.pages.answers import erp_answers
    from gateway.commands.pages.canonical import canonical, schemas
    from gateway.commands.pages.command_line import command_line
    from gateway.commands.pages.configuration import configuration
    from gateway.commands.pages.lifecycle import lifecycle
    from gateway.commands.pages.problems import problems
    from gateway.commands.pages.quotas import quotas
    from gateway.routing.reference import reference as rules

    return {
        "canonical.md": canonical(),
        "canonical.schema.json": schemas(),
        "cli.md": command_line(root),
        "configuration.md": configuration(),
        "erp-answers.md": erp_answers(),
        "lifecycle.md": lifecycle(),
        "problems.md": problems(),
        "quotas.md": quotas(),
        "rules.md": rules(),
    }
