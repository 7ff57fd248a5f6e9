"""Open answers in the styles of real models, and what a careful reader reads in them."""

from __future__ import annotations

from typing import Any

YES_NO: list[tuple[str, Any]] = [
    ('{"answer": "yes"}', "yes"), ('```json\n{"answer": false}\n```', "no"),
    ("**No**, the mug is under the table, and yes, I am sure.", "no"),
    ("No. Yes, the table is there, but the mug is not on it.", "no"),
    ("Yes.\n\nExplanation: there is no cup under the table.", "yes"), ("是", "yes"),
    ("是的。", "yes"), ("不是", "no"), ("否", "no"), ("不，杯子在桌子下面。", "no"),
    ("对", "yes"), ("不对", "no"), ("答案：是", "yes"), ("答案是“否”。", "no"), ("Oui", "yes"),
    ("Non.", "no"), ("Ja", "yes"), ("Nein", "no"), ("Sí", "yes"), ("はい", "yes"),
    ("いいえ", "no"), ("The sentence does not describe the picture.", "no"),
    ("The sentence doesn't describe the picture.", "no"),
    ("The sentence describes the picture.", "yes"),
    ("The sentence accurately describes the picture.", "yes"),
    ("This does not accurately describe the picture.", "no"), ("The answer is not yes.", "no"),
    ("Definitely not.", "no"), ("Absolutely.", None), ("No doubt: yes.", "yes"),
    ("There is no mug here, so the answer must be no", "no"), ("I cannot say yes or no.", None),
    ("Yes or no? I would say no.", "no"), ("Yes and no.", None), ("Answer yes or no: yes", "yes"),
    ("Answer with yes or no.", None), ("USER: is it? ASSISTANT: Yes", "yes"), ("yes</s>", "yes"),
    ("No<|im_end|>", "no"), ("<answer>no</answer>", "no"), ("$\\boxed{\\textbf{Yes}}$", "yes"),
    ("\\boxed{Yes, it does}", "yes"), ("It is not incorrect.", "yes"), ("Nope, not at all", "no"),
    ("I don't know", None), ("No idea.", None), ("No answer.", None),
    ("No image was provided.", None), ("Nothing to notice, nobody knows, yesterday", None),
    ("<think>No. Yes. No.</think>Yes", "yes"),
    ("Is the mug on the table? No, it is under it. So no.", "no"),
    ("Yes, that is correct. It is not true that it lies under it.", "yes"), ("yes!!!", "yes"),
    ("Yes~", "yes"), ("“Yes”", "yes"), ("YES — definitely", "yes"), ("1. Yes", "yes"),
    ("- No", "no"), ("**Answer:** No.", "no"), ("A: Yes", "yes"),
    ("The statement is false.", "no"), ("This is true.", "yes"), ("The caption is wrong.", "no"),
    ("That is right.", "yes"),
    ("The mug is not on the table; it is under it. So the sentence does not describe the "
     "picture.", "no"),
    ("Yes, the sentence describes the picture correctly.", "yes"),
    ("No, it does not match the picture.", "no"), ("Based on the picture, yes.", "yes"),
    ("Based on the picture, the sentence is accurate.", None),
    ('The answer to the question is "no".', "no"),
    ("Let me look. The mug is under. Thus, no.", "no"),
    ("Yes. Wait, no. It is under the table.", "no"), ("Yes, but actually no", "no"),
    ("no problem: yes", "yes"), ("Not really.", None),
    ("It is true that the mug is red, but the sentence is false.", "no"), ("I think not.", None),
    ("Yes\nYes\nYes", "yes"), ('{"answer": true}', "yes"),
    ("**Yes**.\n\nThe mug is on the table, no doubt.", "yes"),
    ('"No", the mug is on the left', "no"), ("Answer: The mug is on the table, so yes", "yes"),
    ("(no)", "no"), ("Ja.", "yes"), ("答案：否", "no"),
]  # fmt: skip

WORDS_OF_FOUR: list[tuple[str, Any]] = [
    ('{"answer": "left"}', "left"), ("The mug is on the left.", "left"),
    ("on the right-hand side of the table", "right"),
    ("The mug is not on the table, but under it.", "under"), ("under, not on", "under"),
    ("It is under the table rather than on it.", "under"),
    ('The correct word is "under".', "under"), ("under (the mug is not on the table)", "under"),
    ("Under the table. The table is on the floor.", "under"),
    ("The answer is left. The mug stands on the floor.", "left"),
    ("<think>on? left? right?</think> under", "under"), ('"A mug **under** a table"', "under"),
    ("A mug under a table", "under"), ("The mug is located right on the table.", "on"),
    ("左", "left"), ("在左边", "left"), ("在桌子下面", "under"), ("在桌子上", "on"),
    ("右", "right"), ("Based on the image, the mug is to the left of the table.", "left"),
    ("To the left, based on what I see.", "left"),
    ("left of the table, depending on the view", "left"), ("Left, as seen on camera", "left"),
    ("The answer is: to the left of", "left"), ("It's on.", "on"),
    ("The mug sits on top of the table", "on"),
    ("The mug isn't on the table; it's beneath it.", "under"),
    ("left\n\nExplanation: The mug is on the left side of the table, not on it.", "left"),
    ("A mug to the left of a table.", "left"), ("**on**", "on"),
    ("The mug is next to the table, on its right.", "right"),
    ("The mug is on the table on the left.", "left"), ("left or right", "right"),
]  # fmt: skip

WORDS_OF_SIX: list[tuple[str, Any]] = [
    ("in front", "in front"), ("In front of the plate", "in front"), ("behind", "behind"),
    ("The cup is on the table, in front of the plate", "in front"),
]  # fmt: skip

ABOVE_BELOW: list[tuple[str, Any]] = [
    ("above", "above"), ("on top of it", "above"), ("The dog is over the table", "above"),
    ("under", "below"), ("not above but below", "below"),
]  # fmt: skip

LEFT_RIGHT: list[tuple[str, Any]] = [
    ("The dog is on the left side of the image, so 'left' is right.", "left"),
    ("left. That is right!", "left"), ("Right.", "right"), ("The right word is left", "left"),
    ("You're right, it is left of it", "left"),
]  # fmt: skip

DIRECTION: list[tuple[str, Any]] = [
    ("N1 is to the upper-left of N2", "top left"), ("左上", "top left"), ("右下方", "down right"),
    ("上", "top"), ("左边", "left"), ("up and to the right", "top right"),
    ("diagonally down-left", "down left"),
    ("slightly above and far to the right of N2", "top right"), ("N1 is north of N2", "top"),
    ("NE", "top right"), ("SW", "down left"), ("N", "top"), ("top-left (northwest)", "top left"),
    ("left-top", "top left"), ("Above-right", "top right"), ("N1 is above N2, not below.", "top"),
    ("not top left but top right", "top right"), ('{"direction": "top left"}', "top left"),
    ("↗", "top right"), ("The answer is down.", "down"), ("Answer: right", "right"),
    ("Right answer: top", "top"), ("All right, it is top left.", "top left"),
    ("**Direction:** down right", "down right"),
]  # fmt: skip

DIRECTION_FROM_N2: list[tuple[str, Any]] = [
    ("N1 is to the left of N2. Therefore, N2 is to the right of N1.", "left"),
    ("N1 is located at the top left relative to N2, which is at the bottom right.", "top left"),
    ("N2 is to the right of N1, so N1 is to the left of N2.", "left"),
    ("N2 is at (3, 3) and N1 is at (5, 5), so N1 is top right of N2", "top right"),
    ("N1 is above N2.", "top"), ("Relative to N2, N1 is at the top left.", "top left"),
    ("From N2 to N1 one goes down. N2 is the start.", "down"),
]  # fmt: skip

CELL: list[tuple[str, Any]] = [
    ("in the top-left corner", "top left"), ("The centre-left", "left"),
    ("bottom-centre", "down"), ("upper right quadrant", "top right"), ("中间", "center"),
    ("左上角", "top left"), ("bottom", "down"),
]  # fmt: skip

LABELS: list[tuple[str, Any]] = [
    ('{"path": ["N1", "N2", "N6"]}', "N1 N2 N6"),
    ('```python\npath = ["N1", "N2", "N6"]\n```\nThis has 2 moves.', "N1 N2 N6"),
    ("N1 --> N2 --> N6", "N1 N2 N6"), ("N1 ➝ N2 ➝ N6", "N1 N2 N6"), ("N1 ⟶ N2 ⟶ N6", "N1 N2 N6"),
    ("N1 $\\rightarrow$ N2 $\\rightarrow$ N6", "N1 N2 N6"),
    ("$\\text{N1} \\to \\text{N2} \\to \\text{N6}$", "N1 N2 N6"),
    ("\\boxed{\\text{N1}, \\text{N2}, \\text{N6}}", "N1 N2 N6"),
    ("\\boxed{[\\text{N1}, \\text{N2}, \\text{N6}]}", "N1 N2 N6"),
    ("\\boxed{N1 \\rightarrow N2 \\rightarrow N6}", "N1 N2 N6"),
    ("$N_{1} \\to N_{2} \\to N_{6}$", "N1 N2 N6"), ("N1，N2，N6。", "N1 N2 N6"),
    ("N1；N2；N6", "N1 N2 N6"), ("从N1到N2再到N6", "N1 N2 N6"),
    ("路径是：N1 → N2 → N6", "N1 N2 N6"),
    ("| Step | Node |\n|---|---|\n| 1 | N1 |\n| 2 | N2 |\n| 3 | N6 |", "N1 N2 N6"),
    ("| N1 | N2 | N6 |", "N1 N2 N6"),
    ("1. N1 (start, green)\n2. N2\n3. N6 (end, red)\n\nTotal: 2 moves.", "N1 N2 N6"),
    ("Step 1: Start at N1.\nStep 2: Move up to N2.\nStep 3: Move right to N6.", "N1 N2 N6"),
    ("1. **N1** to **N2**\n2. **N2** to **N6**", "N1 N2 N6"),
    ("From N1 go to N2, from N2 go to N6.", "N1 N2 N6"),
    ("N1->N2->N6->N7 is too long; N1->N2->N6 is shortest.", "N1 N2 N6"),
    ("The answer is [N1, N2, N6] (not [N1, N5, N6]).", "N1 N2 N6"),
    ("Answer: N1, N2, N6\nAlternative: N1, N5, N6", "N1 N2 N6"), ("N1, N2 and N6", "N1 N2 N6"),
    ("node N1, node N2, node N6", "N1 N2 N6"), ("Node 1, Node 2, Node 6", ""),
    ("<answer>N1, N2, N6</answer>", "N1 N2 N6"), ("N1,N2,N6<|im_end|>", "N1 N2 N6"),
    ("The nodes are: N1, then N2, followed by N6.", "N1 N2 N6"),
    ("(N1) — (N2) — (N6)", "N1 N2 N6"),
    ("N1 ( 2.0, 3.0 ) -> N2 (1.0, 5.0) -> N6 (3, 3)", "N1 N2 N6"),
    ("The route N1 → N2 → N6 has length 2 + 3 = 5. The route N1 → N6 → N2 has length 7. "
     "So the best route is N1 → N2 → N6.", "N1 N2 N6"),
    ("N1→N2 (3.1)\nN2→N6 (2.2)\n\nFinal route: N1, N2, N6", "N1 N2 N6"),
    ("Let me think. Starting at N1, I go to N2 then N6. The path is N1, N2, N6.", "N1 N2 N6"),
    ("1. N1 → N2\n2. N2 → N6", "N1 N2 N6"),
    ("- Start at N1\n- Move to N2\n- Finish at N6", "N1 N2 N6"),
    ("Shortest path: N1 - N2 - N6 (length 2)", "N1 N2 N6"),
    ("The path is: **N1 → N2 → N6**.\n\nThis avoids N5.", "N1 N2 N6"),
    ("<think>N1 N5 N6 or N1 N2 N6</think>\n\n**N1 → N2 → N6**", "N1 N2 N6"),
    ("N1, N2, N6. Wait, that is wrong. N1, N5, N6.", "N1 N5 N6"),
    ("['N1','N2','N6']", "N1 N2 N6"), ("Path = (N1,N2,N6)", "N1 N2 N6"),
    ("N1, N2, N6, N1", "N1 N2 N6 N1"),
]  # fmt: skip

MOVES: list[tuple[str, Any]] = [
    ('{"moves": ["up", "right"]}', "up right"), ("Up (N1→N2), Right (N2→N6)", "up right"),
    ("1. Up: from N1 to N2\n2. Right: from N2 to N6", "up right"),
    ("**Moves:** Up, Right, Right", "up right right"), ("↑ → →", "up right right"),
    ("UP→RIGHT", "up right"), ("U, R, R", ""), ("up, up, right.", "up up right"),
    ("\\boxed{\\text{up}, \\text{right}}", "up right"), ("[up, right, right]", "up right right"),
    ("right x2, up", "right right up"), ("up twice, then right", "up up right"),
    ("Move up two steps and right one step", "up up right"),
    ("Right, Right, Up\n\nThat brings us from N1 to N10.", "right right up"),
    ("Answer: up, right\n\nWe could also go right, up.", "up right"),
    ("Step 1: Move up from N1 to N2.\nStep 2: Move up from N2 to N3.\nStep 3: Move right "
     "from N3 to N7.\n\nSo the moves are: up, up, right.", "up up right"),
    ("The answer is: up, right.", "up right"), ("up,right", "up right"),
    ("Up\n\nRight", "up right"), ("1. **Up**\n2. **Right**", "up right"),
    ("Up → Right → Right → Up", "up right right up"),
    ("First up, then right twice.", "up right right"), ("Move: right (x3)", "right right right"),
    ("Do not go left. Go up, right.", "up right"),
    ("3 steps right, 2 steps up", "right right right up up"),
]  # fmt: skip

NUMBERS: list[tuple[str, Any]] = [
    ("4.24 (approximately)", 4.24), ("about 4.24 units (given the disc radius of 0.5)", 4.24),
    ("The distance is 4.24 units. Note that the grid is 10x10.", 4.24), ("4.2e0", 4.2),
    ("1,234.5", 1234.5), ("approximately 4.24, give or take 0.1", 4.24),
    ("Answer: 4.24\n(rounded to 2 d.p.)", 4.24), ("$\\sqrt{18} \\approx 4.24$", 4.24),
    ("\\boxed{4.24}", 4.24), ('{"distance": 4.24}', 4.24), ("4.24。", 4.24), ("约4.24", 4.24),
    ("距离是4.24个单位", 4.24), ("−1.5", -1.5),
    ("The distance is 4.24, to two decimal places", 4.24), ("between 4 and 5", None),
    ("NaN", None), ("inf", None), ("4.24 ± 0.05", 4.24), ("4.24+/-0.05", 4.24),
    ("The answer is 4.24 because 3.0 and 3.0 are the legs.", 4.24),
    ("N1 (3.0, 4.0), N2 (6.0, 7.0): sqrt(9+9) = 4.24", 4.24), ("4.24N", 4.24),
    ("The distance is approximately **4.24** units.", 4.24),
    ("Using the Pythagorean theorem: $d = \\sqrt{(5-2)^2 + (6-3)^2} = \\sqrt{18} \\approx "
     "4.24$.", 4.24),
    ("\\[ d \\approx 4.24 \\]", 4.24), ("4.24\n\nNote: rounded.", 4.24),
    ("Answer: 4.24 (N1 is at 3, 4)", 4.24), ("around 4.2 to 4.3", 4.3), ("4.24cm", 4.24),
]  # fmt: skip

POINTS: list[tuple[str, Any]] = [
    ('{"x": 3.2, "y": 4.5}', (3.2, 4.5)), ('```json\n{"x": 3.2, "y": 4.5}\n```', (3.2, 4.5)),
    ("x: 3.2\ny: 4.5", (3.2, 4.5)), ("**x** = 3.2, **y** = 4.5", (3.2, 4.5)),
    ("N1: (3.2, 4.5)", (3.2, 4.5)), ("坐标是（3.2，4.5）。", (3.2, 4.5)),
    ("$(3.2, 4.5)$", (3.2, 4.5)), ("\\((3.2, 4.5)\\)", (3.2, 4.5)),
    ("\\left( 3.2 , 4.5 \\right)", (3.2, 4.5)), ("approximately (3.2, 4.5)", (3.2, 4.5)),
    ("(≈3.2, ≈4.5)", (3.2, 4.5)), ("(~3.2, ~4.5)", (3.2, 4.5)), ("(3.2, -4.5)", (3.2, -4.5)),
    ("(−3.2, 4.5)", (-3.2, 4.5)), ("3.2 4.5", None), ("x≈3.2, y≈4.5", (3.2, 4.5)),
    ("(NaN, NaN)", None), ("x-coordinate: 3.2; y-coordinate: 4.5", (3.2, 4.5)),
    ("(3,2; 4,5)", (3.2, 4.5)), ("N1 is at approximately (3.2, 4.5).", (3.2, 4.5)),
    ("(3.2,4.5)", (3.2, 4.5)), ("The coordinates are x=3.2 and y=4.5", (3.2, 4.5)),
    ("Answer: (3.2, 4.5)\nN2 is at (1, 1).", (3.2, 4.5)),
]  # fmt: skip

PAIRS: list[tuple[str, Any]] = [
    ('{"pair": ["N1", "N4"]}', "N1 and N4"), ("N1 & N4", "N1 and N4"), ("N1和N4", "N1 and N4"),
    ("N1 and N4 are closest, not N4 and N5.", "N1 and N4"),
    ("The closest pair is N1 and N4, with N5 being far from both.", "N1 and N4"),
    ("**N1–N4**", "N1 and N4"), ("N1 is closest to N4.", "N1 and N4"),
    ("N1 and N5 are further apart than N1 and N4, so N1 and N4", "N1 and N4"),
    ("Answer: N1 and N4\nThe others (N1 and N5, N4 and N5) are further apart.", "N1 and N4"),
    ("N1 and N4.", "N1 and N4"),
    ("The closest pair is **N1 and N4**. N5 is further.", "N1 and N4"),
    ("Distances: N1-N4: 2.1, N1-N5: 4.0, N4-N5: 3.3. Answer: N1 and N4", "N1 and N4"),
    ("Distances: N1-N4: 2.1, N1-N5: 4.0, N4-N5: 3.3. The closest is N1-N4.", "N1 and N4"),
]  # fmt: skip

TEXTS: list[tuple[str, Any]] = [
    ('{"answer": "STOP"}', "STOP"), ('The sign says "STOP".', "STOP"),
    ("The sign says STOP.", "The sign says STOP"), ("<answer>STOP</answer>", "STOP"),
    ("STOP<|im_end|>", "STOP"), ("Answer: **STOP**", "STOP"), ("答案：STOP", "STOP"),
    ('The text reads "exit 12".', "exit 12"), ('{"answer": "exit 12"}', "exit 12"),
    ("exit 12</s>", "exit 12"), ("It's unanswerable", "It's unanswerable"),
    ("The answer is: unanswerable.", "unanswerable"), ("**exit 12**\n", "exit 12"),
    ("<think>9?</think>\nexit 12", "exit 12"),
]  # fmt: skip
