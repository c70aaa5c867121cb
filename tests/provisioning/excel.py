"""Workbooks for tests, with their strings in a part of their own, as Excel writes them."""

import io
import re
import zipfile

SHEET, STRINGS = "xl/worksheets/sheet1.xml", "xl/sharedStrings.xml"
_INLINE = re.compile(rb't="inlineStr"><is>(.*?)</is>', re.DOTALL)
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"
_NAMESPACE = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"


def saved(workbook):
    """The file of an openpyxl workbook."""
    file, strings = io.BytesIO(), []
    workbook.save(file)

    def share(match):
        strings.append(match[1])
        return b't="s"><v>%d</v>' % (len(strings) - 1)

    content = file.getvalue()
    with zipfile.ZipFile(file) as archive:
        sheets = [name for name in archive.namelist() if name.startswith("xl/worksheets/sheet")]
    for name in sheets:
        content = changed(content, name, lambda xml: _INLINE.sub(share, xml))
    every = b"".join(b"<si>" + string + b"</si>" for string in strings)
    table = f'<sst xmlns="{_NAMESPACE}">'.encode() + every + b"</sst>"
    override = f'<Override PartName="/{STRINGS}" ContentType="{_TYPE}"/></Types>'.encode()
    content = changed(content, STRINGS, lambda _: table)
    return changed(content, "[Content_Types].xml", lambda xml: xml.replace(b"</Types>", override))


def changed(content, part, change):
    """The archive with one part changed, or added."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old:
        parts = {name: old.read(name) for name in old.namelist()}
    parts[part] = change(parts.get(part, b""))
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name, data in parts.items():
            new.writestr(name, data)
    return out.getvalue()
