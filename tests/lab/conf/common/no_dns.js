'use strict';
// Loaded before a server that looks names up: nobody answers there, so it fails at once and leaves the machine never.
require('dns').setServers(['127.0.0.1:53']);
