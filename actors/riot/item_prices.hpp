#pragma once

#include <cstdint>
#include <optional>

namespace herald::riot {

/// What an item costs in all, the items that it is made of included, as patch
/// 16.12 has it; nothing for an item that the patch does not sell. The Live
/// Client Data API tells the price of the last step alone, which falls when
/// components become an item, so it cannot say what a team is worth. Prices
/// move little from patch to patch: good enough for an estimate of gold.
std::optional<std::int32_t> item_price(std::int32_t item_id);

} // namespace herald::riot
