"""Asking for a byte of a matrix before it is needed, in compiled code."""

from __future__ import annotations

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic


@intrinsic
def prefetch(_typing, columns, feature, row):
    """Ask for the byte of a feature and row before it is needed."""

    def generate(context, builder, signature, arguments):
        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        place = cgutils.get_item_pointer(
            context, builder, signature.args[0], array, list(arguments[1:]), wraparound=False
        )
        word = ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [place.type, word, word, word])
        fetch = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        # to read, to be kept near, data
        builder.call(fetch, [place, *(ir.Constant(word, flag) for flag in (0, 3, 1))])
        return context.get_dummy_value()

    return types.void(columns, types.intp, types.intp), generate
