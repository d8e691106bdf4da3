#pragma once

#include "actors/aggregate_host.hpp"
#include "actors/ingest/ingest_job.hpp"
#include "actors/match/match_aggregate.hpp"
#include "actors/player/player_aggregate.hpp"

#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/atom.hpp>

#include <memory>

// What actors say to each other. All of it stays within the process: messages
// carry shared pointers to values, so that nothing is copied, and the answers
// to commands are functions inside them (reply.hpp).

namespace herald {

/// A command to an aggregate.
using command_atom = caf::atom_constant<caf::atom("command")>;
/// To oneself: hand what was decided to the log writer.
using flush_atom = caf::atom_constant<caf::atom("flush")>;
/// From the log writer: a batch ended, well or badly.
using settled_atom = caf::atom_constant<caf::atom("settled")>;
/// To oneself, again and again: let go of what nobody uses.
using sweep_atom = caf::atom_constant<caf::atom("sweep")>;
/// A document to be taken in.
using ingest_atom = caf::atom_constant<caf::atom("ingest")>;
/// To the ingestion actor: some step of a document is done.
using step_atom = caf::atom_constant<caf::atom("step")>;
/// To oneself: try again what could not be done a moment ago.
using retry_atom = caf::atom_constant<caf::atom("retry")>;
/// The log committed something.
using news_atom = caf::atom_constant<caf::atom("news")>;
/// To the statistics actor: a command of its chunk was answered.
using counted_atom = caf::atom_constant<caf::atom("counted")>;

using match_message = std::shared_ptr<addressed_command<match_command>>;
using player_message = std::shared_ptr<addressed_command<count_match>>;
using ingest_message = std::shared_ptr<ingest_job>;

/// How the batch with this ticket ended.
struct settled_batch {
  std::uint64_t ticket = 0;
  append_outcome outcome;
};
using settled_message = std::shared_ptr<const settled_batch>;

/// A step of a document: what is to be done with it now, on its actor's
/// thread.
using step_message = std::shared_ptr<std::function<void()>>;

} // namespace herald

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(herald::match_message)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(herald::player_message)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(herald::ingest_message)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(herald::settled_message)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(herald::step_message)
