"""Pure: what is stored in, what people read out. One module per question.

Page, API and terminal show these views and nothing else, so that all three say the same in the
same words. A view is a frozen data class of plain values: it goes through JSON and back
(``encoding``). It holds no environment values, no secrets and no addresses that a user chose.

Sentences hold their instants in one form (``words.instant``); whoever shows them writes these as
its reader's clock has them.
"""
