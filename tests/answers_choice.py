"""Answers to multiple choice questions in the styles of real models, and the letter meant."""

from __future__ import annotations

from typing import Any

CAPTIONS_ASKED: list[tuple[str, Any]] = [
    ('{"answer": "C"}', "C"), ('```json\n{"answer": "C", "confidence": 0.9}\n```', "C"),
    ("{'reasoning': 'A is wrong', 'answer': 'C'}", "C"),
    ('{"answer": "C", "reason": "A and B are wrong"}', "C"),
    ("| Option | Fits |\n|---|---|\n| A | no |\n| B | no |\n| C | yes |\n\n**Answer:** C", "C"),
    ("The correct answer is **C. A mug to the left of a table**.", "C"),
    ("The correct answer is:\n\n**C. A mug to the left of a table**", "C"),
    ("The correct answer is\n\nC", "C"), ("Answer: (C) A mug to the left of a table", "C"),
    ("正确答案是C", "C"), ("正确答案是 C。", "C"), ("答案是Ｃ", "C"), ("答案:C", "C"),
    ("选C", "C"), ("选择 C，因为杯子在桌子左边。", "C"), ("选项C", "C"),
    ("我认为答案是（C）。", "C"), ("因此，答案选 C。A 和 B 都不对。", "C"), ("Ответ: C", "C"),
    ("La réponse est C.", "C"), ("Die richtige Antwort ist C.", "C"),
    ("La respuesta correcta es la C.", "C"), ("正解はCです。", "C"), ("정답은 C입니다.", "C"),
    ("$\\text{C}$", "C"), ("\\(\\mathbf{C}\\)", "C"), ("$$\\boxed{\\textbf{(C)}}$$", "C"),
    ("\\boxed{\\text{C. A mug to the left of a table}}", "C"), ("\\boxed{\\text{(C)}}", "C"),
    ("\\boxed{{C}}", "C"), ("\\boxed C", "C"), ("\\fbox{C}", "C"), ("boxed{C}", "C"),
    ("\\\\boxed{C}", "C"), ("$\\boxed{Option C}$", "C"),
    ("\\boxed{A} is what I first thought, but it is actually \\boxed{C}.", "C"),
    ("I would go with C here", "C"), ("I would say C, since the mug is left.", "C"),
    ("It must be C!", "C"), ("C!", "C"), ("C?", "C"), ("C,", "C"), ('"C"', "C"), ("'C'", "C"),
    ("C - A mug to the left of a table", "C"), ("C – A mug to the left of a table", "C"),
    ("**C** – because the mug is left", "C"), ("<C>", "C"), ("<answer>\nC\n</answer>", "C"),
    ("<answer>C</answer><explanation>A is wrong</explanation>", "C"),
    ("<think>\nThe answer might be A. The answer could be B.\n</think>\n\nC", "C"),
    ("<think>So the answer is B?</think>\n\nThe mug is left of the table, so C.", "C"),
    ("Answer: C\n\nExplanation: The mug is not on the table (A), nor under it (B).", "C"),
    ("Answer: C\nA is wrong because it is not on the table.", "C"),
    ("C\n\nThe mug is clearly to the left of the table, not on it.", "C"),
    ("C. The mug is to the left. A, B and D are wrong.", "C"), ("The answer is C, not D.", "C"),
    ("The answer is not D. It is C.", "C"), ("The answer isn't A. The answer is C.", "C"),
    ("It is neither A nor B; D is wrong too. C it is.", "C"),
    ("Options A, B and D can be ruled out. C remains.", "C"),
    ("A: No\nB: No\nC: Yes\nD: No", "C"), ("A. ✗\nB. ✗\nC. ✓\nD. ✗", "C"),
    ("- [ ] A\n- [ ] B\n- [x] C\n- [ ] D", "C"),
    ("The mug is to the left of the table. So the answer is option (C).", "C"),
    ("Option **(C)** is correct.", "C"), ("Choice C is correct. Choice A is wrong.", "C"),
    ("C is correct. A is incorrect.", "C"), ("C is the correct answer.", "C"),
    ("**C** is the best option, while A, B and D do not fit.", "C"),
    ("(C) is the right answer", "C"),
    ("The best answer is C: the mug is left of it, while A, B, D are wrong", "C"),
    ("My final answer is C.  Hope this helps! Let me know if you have any other question "
     "about option A.", "C"),
    ("I'm not sure, but I'd guess C.", "C"), ("A mug is to the left of a table.", None),
    ("The answer is: A mug to the left of a table.", "C"), ("A mug can be seen.", None),
    ("I can not answer this question. A picture is needed.", None),
    ("I'm sorry, I can't assist with that request.", None), ("Unable to determine.", None),
    ("All of the above", None), ("A or C", None), ("Answer: A and C", None), ("1", None),
    ("C.\n", "C"), ("c)", "C"), ("(c)", "C"), ("answer: c", "C"), ("the answer is (c).", "C"),
    ("Answer - C", "C"), ("Answer = C", "C"), ("Answer is C", "C"), ("ANSWER: C", "C"),
    ("Ans: C", "C"), ("Ans. C", "C"), ("Final Answer: C", "C"),
    ("### Final Answer\n\\[\n\\boxed{C}\n\\]", "C"),
    ("Therefore, the final answer is: $\\boxed{C}$. I hope it is correct.", "C"),
    ("**Final Answer**\n\nThe final answer is C", "C"), ('The answer is "C".', "C"),
    ("The answer is `C`.", "C"), ("The answer is $C$.", "C"), ("The answer is \\(C\\).", "C"),
    ("Hmm, A? no... B? no... C? yes, C.", "C"), ("Assistant: C", "C"), ("ASSISTANT: C</s>", "C"),
    ("C<|im_end|>", "C"), ("C<|endoftext|>", "C"), ("C\n\nUser: next question\nA. x", "C"),
    ("A mug under a table is not shown; a mug to the left of a table is.", "C"),
    ("A mug to the left of a table, rather than a mug on a table.", "C"),
    ("Not A, not B, but C", "C"),
    ("Wait, actually I think the answer is D. Let me reconsider: it is left, so the "
     "answer is C.", "C"),
    ("The answer is A. Wait, the mug is on the left. So C.", "C"), ("A? Actually, C.", "C"),
    ("Looking at the image:\n- A: the mug is not on the table.\n- B: the mug is not under "
     "it.\n- C: this is what we see.\n- D: no.\n\nSo, C.", "C"),
    ("### Analysis\n\n1. **Mug**: left.\n2. **Table**: middle.\n\n### Conclusion\n\nThe "
     "right option is **C**.", "C"),
    ("Based on the image, the correct description is:\n\nC. A mug to the left of a table", "C"),
    ("Based on the image, the correct description is:\n\n- **C. A mug to the left of a "
     "table**\n\nThe mug is not on it (A).", "C"),
    ('The sentence that describes the picture is: "A mug to the left of a table." '
     'Therefore, the correct choice is **C**.', "C"),
    ("C\nC\nC\nC", "C"),
    ("A. A mug on a table\nB. A mug under a table\nC. A mug to the left of a table\nD. A "
     "mug to the right of a table\n\nAnswer: C", "C"),
    ("The image shows a mug on the left of a table, which corresponds to option C.", "C"),
    ("Which sentence describes the picture?\nA. A mug on a table\nB. ...\nAssistant: C", "C"),
    ("Sure! The answer is C 😊", "C"), ("C✅", "C"), ("🅒", None), ("Ⓒ", None),
    ("\u200bC\u200b", "C"), ("\ufeffC", "C"), ("С", None), ("答案选择：C", "C"),
    ("根据图片，正确的选项是 **C**。", "C"), ("答案是 C 而不是 A。", "C"), ("不是A，而是C", "C"),
    ("I cannot view images, but if I had to guess I would choose C.", "C"),
    ("The answer cannot be determined.", None),
    ("The answer is unclear. A picture would help.", None),
    ("The correct answer is option C; options A, B, and D are incorrect.", "C"),
    ("C (A mug to the left of a table)", "C"), ("C, A mug to the left of a table", "C"),
    ("C\\) A mug to the left of a table", "C"), ("Response: C", "C"), ("Choose C", "C"),
    ("\\begin{align} \\boxed{C} \\end{align}", "C"), ("The answer is \\textbf{C}", "C"),
    ("\\text{The answer is } C", "C"), ('{"answer":"C","explanation":"The mug (A) is..."}', "C"),
    ("```\n{'choice': 'C'}\n```", "C"), ("<answer> C </answer>", "C"),
    ("<answer>\\boxed{C}</answer>", "C"),
    ("<think>ok</think><answer>C. A mug to the left of a table</answer>", "C"), ("Answer:C", "C"),
    ("answer:C.", "C"), ("Answer is: C", "C"), ("Answer\nC", "C"),
    ("The answer would be C.", "C"), ("The answer should be C.", "C"), ("The answer: C", "C"),
    ("The answer is (C), because (A) is wrong.", "C"), ("The mug is left. Hence (C).", "C"),
    ("The mug is left. Hence, answer (C).", "C"), ("I", None), ("A", "A"), ("a", "A"),
    ("A\n", "A"), ("A mug", None), ("A, B, C, D", None),
]  # fmt: skip

COLOURS_ASKED: list[tuple[str, Any]] = [
    ("Answer: D", "D"), ("The disc has no colour", "D"), ("The disc is green.", "C"),
    ("green, not red", "C"), ("The disc isn't red, it's green", "C"),
    ("It is green rather than blue.", "C"), ("Green (not blue)", "C"),
    ("I see a greenish disc", None),
]  # fmt: skip

DIRECTIONS_ASKED: list[tuple[str, Any]] = [
    ("C. top", "C"), ("(A) right", "A"), ("The answer is down right", "H"),
    ("top right, which is option B", "B"),
    ("N1 is above N2 and to the right, so the answer is B.", "B"),
    ("Looking at the picture, N1 is up and left of N2.\n\n\\boxed{D}", "D"),
    ("**Step 1:** N2 is at the bottom.\n**Step 2:** N1 is at the top.\n\n**Answer: C. top**", "C"),
    ("G", "G"), ("I think H.", "H"),
]  # fmt: skip

SENTENCES_ASKED: list[tuple[str, Any]] = [
    ("It is not raining", "A"), ("The answer is: It is not raining.", "A"),
    ("A. It is not raining", "A"), ("It is raining.", "B"), ("Neither of them", "C"), ("C", "C"),
    ("Answer: C. Neither of them", "C"),
]  # fmt: skip

NUMBERS_ASKED: list[tuple[str, Any]] = [
    ("3", "C"), ("The answer is 3.", "C"), ("There are 3 mugs.", "C"), ("C. 3", "C"),
    ("\\boxed{3}", "C"), ("(C) 3", "C"), ("13", None),
]  # fmt: skip

VERDICTS_ASKED: list[tuple[str, Any]] = [
    ("yes", "A"), ("B. no", "B"), ("No, it is not.", "B"), ("A", "A"),
]  # fmt: skip
