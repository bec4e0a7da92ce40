"""The order chain: what an order goes through before an ERP sees it.

``run.py`` is the flow; each step is a page of its own and one function of the message, the plan of
its channel, and look-ups that are passed in::

    payment    may it be booked yet?
    location   where is it fulfilled, or has the channel done so?
    fees       which item does each fee belong to?
    tax        as the channel stated it, as an engine calculates it, or both compared
    customer   the channel's own, a collective one, or found and created in the ERP
    codes      every code as the ERP knows it, by the crosswalks

A step says what the message is after it and what it decided, or why it cannot go on: a refusal
names what somebody must put right, a delay asks for time. Nothing is sent by any of them.
"""
