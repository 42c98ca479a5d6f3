'use strict';
// What the programs for Node's servers share: the recipient policy and delivery, as lab_mail.py has them for Python.
const fs = require('fs');
const path = require('path');

let number = 0;

module.exports = settings => {
    // All quoted forms of a local part are equal: RFC 5321 section 4.1.2.
    function unquoted(local) {
        return /^".*"$/s.test(local) ? local.slice(1, -1).replace(/\\(.)/gs, '$1') : local;
    }

    function mailbox(address) {
        const at = address.lastIndexOf('@');
        const local = unquoted(address.slice(0, Math.max(at, 0))).toLowerCase();
        const domain = address.slice(at + 1).toLowerCase();
        if (address.toLowerCase() === 'postmaster') return 'alice'; // RFC 5321 section 4.5.1: without a domain, too
        if (domain === settings.foreign) return 'someone';
        if (domain !== settings.domain) return null;
        if (local === 'postmaster' || local === 'abuse') return 'alice';
        return Object.hasOwn(settings.users, local) ? local : null;
    }

    function isLocal(address) {
        const lower = address.toLowerCase();
        return lower === 'postmaster' || lower.slice(lower.lastIndexOf('@') + 1) === settings.domain;
    }

    // Returns the text of the 550 reply that refuses a recipient, or null when it is welcome.
    function refusal(address, authenticated) {
        if (!isLocal(address)) return authenticated ? null : '5.7.1 Relaying denied';
        return mailbox(address) ? null : '5.1.1 No such user here';
    }

    function passwordIs(user, password) {
        const name = String(user).endsWith('@' + settings.domain) ? user.slice(0, -settings.domain.length - 1) : user;
        return Object.hasOwn(settings.users, name) && settings.users[name] === password;
    }

    // Stores a message in the Maildir of each recipient, as it is, below the Return-Path that final delivery adds.
    function deliver(octets, sender, recipients) {
        for (const user of new Set(recipients.map(mailbox).filter(Boolean))) {
            const name = `${Date.now()}000000.${process.pid}_${String(++number).padStart(6, '0')}.lab`;
            const box = path.join(settings.mail, user, 'Maildir');
            fs.writeFileSync(path.join(box, 'tmp', name), Buffer.concat([Buffer.from(`Return-Path: <${sender}>\r\n`), octets]));
            fs.renameSync(path.join(box, 'tmp', name), path.join(box, 'new', name));
        }
    }

    // Returns the trace field of a message (RFC 5321 section 4.4): the client's own name, its address, how it spoke.
    function received(greeted, address, protocol) {
        const name = String(greeted).replace(/[^A-Za-z0-9.:[\]_-]/g, '?').slice(0, 255); // it is the client's: anything
        const date = new Date().toUTCString().replace('GMT', '+0000');
        return Buffer.from(`Received: from ${name} ([${address}])\r\n by ${settings.name} with ${protocol}; ${date}\r\n`);
    }

    return { mailbox, isLocal, refusal, passwordIs, deliver, received };
};
