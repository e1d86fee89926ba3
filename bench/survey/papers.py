"""The systems of the survey: which method or model each is here, and what its paper reports."""

from __future__ import annotations

from typing import NamedTuple


class System(NamedTuple):
    """A published system.

    `reported` are the paper's own figures, as shares; where `listed`, those that a public list of results gives for it.
    """

    key: str
    """Of the registry of its kind."""
    title: str
    task: str
    """detector, recognizer or spotter."""
    year: int
    arxiv: str
    """Number; empty where the paper is elsewhere."""
    reported: str
    listed: bool = False
    note: str = ""
    """Where the paper is, without a number at arXiv."""


IIIT, IC13, IC15, TD500 = "IIIT5K", "ICDAR 2013", "ICDAR 2015", "MSRA-TD500"

SYSTEMS = (
    System("ctpn", "CTPN, small", "detector", 2016, "1609.03605", f"{IC13} .88, {IC15} .61"),
    System("ctpn-reference", "CTPN, VGG-16", "detector", 2016, "1609.03605", f"{IC13} .88, {IC15} .61"),
    System("textboxes", "TextBoxes", "detector", 2017, "1611.06779", f"{IC13} .80 (× .86)"),
    System("east", "EAST", "detector", 2017, "1704.03155", f"{IC15} .782 (× .807), {TD500} .761"),
    System("seglink", "SegLink", "detector", 2017, "1703.06520", f"{IC15} .750, {IC13} .853, {TD500} .770"),
    System("dmpnet", "DMPNet", "detector", 2017, "1703.01425", f"{IC15} .706"),
    System("wordsup", "WordSup", "detector", 2017, "1708.06720", f"{IC13} .903, {IC15} .782, COCO-Text .368"),
    System("rrpn", "RRPN", "detector", 2018, "1703.01086", f"{IC15} .774, {IC13} .91, {TD500} .742", listed=True),
    System("pixellink", "PixelLink", "detector", 2018, "1801.01315", f"{IC15} .837, {TD500} .778, {IC13} × .881"),
    System("textboxes++", "TextBoxes++", "detector", 2018, "1801.02765", f"{IC15} .817 (× .829), COCO-Text .559"),
    System("ftsn", "FTSN", "detector", 2018, "1709.03272", f"{IC15} .841, {TD500} .820, Total-Text .813"),
    System("db", "DB", "detector", 2020, "1911.08947", f"{TD500} .828, {IC15} .823 (ResNet-18)"),
    System("crnn", "CRNN, small", "recognizer", 2015, "1507.05717", f"{IIIT} .782, SVT .808, {IC13} .867"),
    System("crnn-base", "CRNN, base", "recognizer", 2015, "1507.05717", f"{IIIT} .782, SVT .808, {IC13} .867"),
    System("crnn-reference", "CRNN", "recognizer", 2015, "1507.05717", f"{IIIT} .782, SVT .808, {IC13} .867"),
    System("crnn-gru", "CRNN, GRU", "recognizer", 2015, "1507.05717", "–"),
    System("densenet", "DenseNet, CTC", "recognizer", 2017, "1608.06993", "–"),
    System("resnet-attention", "ResNet, attention + CTC", "recognizer", 2017, "1709.02054", "–"),
    System("rare", "RARE", "recognizer", 2016, "1603.03915", f"{IIIT} .819, SVT .819, {IC13} .886, CUTE80 .592"),
    System(
        "stn-crnn", "STN + CRNN (STAR-Net)", "recognizer", 2016, "", f"{IIIT} .833, SVT .836, {IC13} .891",
        listed=True, note="BMVC 2016",
    ),
    System("attention-ocr", "Attention-OCR", "recognizer", 2016, "1609.04938", "–"),
    System("attention-ocr-views", "attention_ocr, FSNS", "recognizer", 2017, "1704.03549", "FSNS .842"),
    System("fots", "FOTS", "spotter", 2018, "1801.01671", f"{IC15} .880 (× .898)", listed=True),
    System("stn-ocr", "STN-OCR", "spotter", 2017, "1707.08831", f"SVHN .952, {IC13} .903, SVT .798, {IIIT} .86"),
)  # fmt: skip
"""Detectors by F-measure, recognizers by the share of words read without a lexicon; × is with several scales."""


def of(task: str) -> list[System]:
    """List the systems of a task in the order in which they are shown."""
    return [one for one in SYSTEMS if one.task == task]
