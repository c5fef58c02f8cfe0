"""Subnormal numbers as zeros: a processor takes a hundred times as long for arithmetic with them.

Products of states and adjoints that decay over a long sequence are such numbers: below 2^-126 in float32.
"""

import platform
from contextlib import contextmanager

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from engine.common import jit

X86 = platform.machine().lower() in ("x86_64", "amd64")  # others have no such delay, or little
INPUTS, RESULTS = 1 << 6, 1 << 15  # bits of the control register: subnormal inputs, and results, are 0


@contextmanager
def as_zeros():
    """Within it, in this thread, subnormal floats are zeros."""
    before = control()
    set_control(before | INPUTS | RESULTS)
    try:
        yield
    finally:
        set_control(before)


@intrinsic
def store(typing_context):
    """The control register MXCSR."""

    def read(context, builder, signature, values):
        word = builder.alloca(ir.IntType(32))
        access(builder, "llvm.x86.sse.stmxcsr", word)
        return builder.load(word)

    return types.uint32(), read if X86 else lambda context, *_: context.get_constant(types.uint32, 0)


@intrinsic
def load(typing_context, value):
    """Sets MXCSR."""

    def write(context, builder, signature, values):
        word = builder.alloca(ir.IntType(32))
        builder.store(values[0], word)
        access(builder, "llvm.x86.sse.ldmxcsr", word)
        return context.get_dummy_value()

    return types.void(types.uint32), write if X86 else lambda context, *_: context.get_dummy_value()


def access(builder, name, word):
    """A call of the LLVM intrinsic that moves MXCSR to or from `word`."""
    byte = ir.IntType(8).as_pointer()
    function = builder.module.declare_intrinsic(name, fnty=ir.FunctionType(ir.VoidType(), [byte]))
    builder.call(function, [builder.bitcast(word, byte)])


@jit.compiled("uint32()")
def control():
    return store()


@jit.compiled("void(uint32)")
def set_control(value):
    load(value)
