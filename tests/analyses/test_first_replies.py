"""What a result of many arms keeps of their replies."""

from pathlib import Path

from analyses.common.first_replies import REPLIES, first_replies, replies_table
from seat_interp.core.files import write_jsonl
from seat_interp.studies.run_folder import Run


def test_the_first_replies_are_kept_whatever_they_are(tmp_path):
    def run(arm: str) -> Run:
        records = [{"set_name": "known", "question": "Known?", "reply": "Yes."}]
        records += [{"set_name": "unknown", "question": f"{n}?", "reply": f"{arm}\n{n}"} for n in range(REPLIES + 2)]
        folder: Path = tmp_path / arm
        folder.mkdir()
        write_jsonl(folder / "records.jsonl", records)
        return Run(arm, 0, folder, {})

    kept = first_replies([run("base"), run("seat")])
    assert [each["question"] for each in kept] == [f"{n}?" for n in range(REPLIES)]
    table = replies_table({"replies": kept})
    assert table.heads[1] == "0?"
    assert table.rows[1][:2] == ("SEAT", "seat 0")
