"""Writes test/fixtures/documents/two-pages.pdf and encrypted.pdf.

    pip install reportlab==4.* pypdf==6.* cryptography
    python tools/pdf_fixtures.py
"""

from pathlib import Path

from pypdf import PdfReader, PdfWriter
from reportlab.pdfgen.canvas import Canvas

folder = Path(__file__).parent.parent / "test" / "fixtures" / "documents"

canvas = Canvas(str(folder / "two-pages.pdf"), invariant=True)
canvas.setTitle("A guide to ticks")
canvas.drawString(72, 720, "Ticks live in tall grass.")
canvas.showPage()
canvas.drawString(72, 720, "Remove a tick with tweezers.")
canvas.save()

writer = PdfWriter(clone_from=PdfReader(folder / "two-pages.pdf"))
writer.encrypt("secret", algorithm="AES-256")
writer.write(folder / "encrypted.pdf")
